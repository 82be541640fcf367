// `sim shrink`: the smallest schedule that still fails alike.
import { basename, dirname } from 'node:path'
import type { Command } from 'commander'
import { SessionMeshError } from '../../../crdt/errors.ts'
import { systemClock } from '../../../node/ports/clock.ts'
import { attempt } from '../../run/attempt.ts'
import { inMacrotask } from '../../run/in-macrotask.ts'
import { readRun, saveRun } from '../../run/saved-run.ts'
import { ownCodeOf } from '../../scenarios/source.ts'
import { shrink } from '../../shrink/shrink.ts'
import type { Plan } from '../../plan/plan.ts'
import { duration } from '../flags.ts'
import { printLines } from '../print.ts'
import { commandLine } from '../program.ts'
import { progressBar } from '../progress.ts'
import { scheduleLines } from '../schedule.ts'

interface ShrinkFlags {
  readonly timeLimit?: number
  readonly json?: boolean
}

const FORMAT =
  '{bar} | {runs} runs | {faults} faults, {operations} operations, {machines} machines left | {duration_formatted}'

export function registerShrink(program: Command): void {
  program
    .command('shrink <file>')
    .description('find the smallest schedule that makes the same checker fire')
    .option('--time-limit <time>', 'leave it at what was found after so much real time: 60s, 5m', duration)
    .option('--json', 'print one JSON object, on the last line')
    .addHelpText(
      'after',
      `\nExamples:\n  ${commandLine(['shrink', 'failure-42.json'])}\n  ${commandLine(['shrink', 'failure-42.json', '--time-limit', '2m'])}`,
    )
    .action((file: string, flags: ShrinkFlags) => shrinkFile(file, flags))
}

async function shrinkFile(file: string, { timeLimit = Infinity, json = false }: ShrinkFlags): Promise<void> {
  const saved = readRun(file)
  const own = await ownCodeOf(saved)
  const size = ({ faults, operations, machines }: Plan) => faults.length + operations.length + machines.length
  const start = systemClock.monotonic()
  const bar = progressBar(FORMAT, size(saved.plan), shown(saved.plan, 0), json)
  const shrunk = await shrink(saved.plan, {
    run: (plan) => inMacrotask(() => attempt(plan, { own })),
    isEnough: () => systemClock.monotonic() - start >= timeLimit,
    onProgress: ({ runs, plan }) => bar.update(size(saved.plan) - size(plan), shown(plan, runs)),
  })
  bar.done()
  if (shrunk === undefined) {
    throw new SessionMeshError('INVALID_SCENARIO', `${file} does not fail any more: there is nothing to shrink`)
  }
  const { result, violation, runs } = shrunk
  const { verdict, violations, traceHash, plan } = result
  const name = `${basename(file, '.json')}.min`
  const smaller = saveRun(dirname(file), name, { scenario: saved.scenario, verdict, violations, traceHash, plan })
  const replay = commandLine(['replay', smaller])
  if (json) {
    const left = { faults: plan.faults.length, operations: plan.operations.length, machines: plan.machines.length }
    return printLines([JSON.stringify({ file: smaller, replay, runs, violation, ...left, traceHash })])
  }
  const at = `${(violation.at / 1_000_000).toFixed(3)} s`
  printLines([
    ...scheduleLines(plan),
    '',
    `violated  ${violation.checker} at ${at}: ${violation.message}`,
    `          after ${runs} runs: ${replay}`,
  ])
}

function shown({ faults, operations, machines }: Plan, runs: number): Record<string, string> {
  const counts = { runs, faults: faults.length, operations: operations.length, machines: machines.length }
  return Object.fromEntries(Object.entries(counts).map(([name, count]) => [name, String(count)]))
}
