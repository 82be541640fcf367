// `sim conformance`: the same plans over the real libp2p and gossipsub, and whether the model of them is kind.
import { availableParallelism } from 'node:os'
import type { Command } from 'commander'
import { SessionMeshError } from '../../../crdt/errors.ts'
import { churnPlan } from '../../conformance/churn.ts'
import { kindnesses } from '../../conformance/compare.ts'
import { runModel, runReal, type ConformanceRun } from '../../conformance/conform.ts'
import { measure, type SeenRun } from '../../conformance/measure.ts'
import { measuredTable } from '../../conformance/measured-table.ts'
import type { Plan } from '../../plan/plan.ts'
import { isCode } from '../../scenarios/load.ts'
import { openSource } from '../../scenarios/source.ts'
import { EXIT_VIOLATED } from '../conduct.ts'
import { overridesOf, seeds, withOverrides, type OverrideFlags, type Range } from '../flags.ts'
import { printLines, rounded } from '../print.ts'
import { commandLine } from '../program.ts'
import { progressBar } from '../progress.ts'

interface ConformanceFlags extends OverrideFlags {
  readonly seeds: Range
  readonly compare?: boolean
  readonly json?: boolean
}

const COMPLAINTS_SHOWN = 3
const FORMAT = '{bar} {value}/{total} runs | {eta_formatted}'

export function registerConformance(program: Command): void {
  const command = program
    .command('conformance [scenario]')
    .description('the same over the real libp2p: is the model of it as hostile?')
    .option('--seeds <range>', 'FROM..TO', seeds, { from: 1, to: 4 })
    .option('--compare', 'run the churn schedule over model and real thing, and compare what gossip did')
  withOverrides(command)
    .option('--json', 'print one JSON object, on the last line')
    .addHelpText(
      'after',
      `
Some hundred times slower than the model: each run is a process of its own with real encryption and real gossipsub.

Examples:
  ${commandLine(['conformance', '--compare'])}
  ${commandLine(['conformance', 'split-halves', '--seeds', '1..10'])}
  ${commandLine(['conformance', '--seeds', '1..20', '--peers', 4])}

Exit code: 0 nothing violated and the model not kind, 1 otherwise (or a mistake in the command).`,
    )
    .action((scenario: string | undefined, flags: ConformanceFlags) =>
      flags.compare === true ? compare(scenario, flags) : conform(scenario, flags),
    )
}

async function conform(scenario: string | undefined, flags: ConformanceFlags): Promise<void> {
  if (scenario !== undefined && isCode(scenario)) {
    throw new SessionMeshError('INVALID_ARGUMENT', `${scenario}: code of your own runs over the model only`)
  }
  const experimentOf = await openSource({ scenario, overrides: overridesOf(flags) })
  const plans = seedsOf(flags).map((seed) => experimentOf(seed).plan)
  const runs = await runAll(plans, flags)
  const bad = runs.filter(({ verdict, complaints }) => verdict !== 'ok' || complaints.length > 0)
  if (bad.length > 0) process.exitCode = EXIT_VIOLATED
  if (flags.json === true) return printLines([JSON.stringify({ runs: runs.map(summary) })])
  printLines(runs.flatMap(runLines))
}

async function compare(scenario: string | undefined, flags: ConformanceFlags): Promise<void> {
  if (scenario !== undefined) {
    throw new SessionMeshError('INVALID_ARGUMENT', '--compare has a schedule of its own: leave the scenario out')
  }
  const plans = seedsOf(flags).map((seed) => churnPlan(String(seed)))
  const runs = await runAll(plans, flags)
  const modelled: SeenRun[] = []
  for (const plan of plans) modelled.push({ plan, seen: (await runModel(plan)).seen })
  const [model, real] = [measure(modelled), measure(runs)]
  const kind = kindnesses(model, real)
  if (kind.length > 0 || runs.some(({ verdict }) => verdict !== 'ok')) process.exitCode = EXIT_VIOLATED
  if (flags.json === true) return printLines([JSON.stringify({ model, real, kinder: kind, runs: runs.map(summary) })])
  printLines([
    ...runs.flatMap(runLines),
    '',
    ...measuredTable(model, real),
    '',
    ...(kind.length === 0 ? ['The model is at least as hostile.'] : ['The model is kinder:', ...kind]),
  ])
}

function seedsOf({ seeds: { from, to } }: ConformanceFlags): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index)
}

/** Over all cores, results in the order of the plans. */
async function runAll(plans: readonly Plan[], { json }: ConformanceFlags): Promise<ConformanceRun[]> {
  const bar = progressBar(FORMAT, plans.length, {}, json === true)
  const runs: ConformanceRun[] = []
  let done = 0
  const waiting = [...plans.entries()]
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [index, plan] = next
      runs[index] = await runReal(plan)
      bar.update(++done, {})
    }
  }
  await Promise.all(Array.from({ length: availableParallelism() }, work)).finally(() => bar.done())
  return runs
}

function summary({ plan, seen: _seen, ...rest }: ConformanceRun): object {
  return { seed: plan.seed, ...rest }
}

function runLines({
  plan,
  verdict,
  traceHash,
  simulatedMs,
  wallMs,
  convergedMs,
  violations,
  complaints,
}: ConformanceRun) {
  const converged = convergedMs === undefined ? 'did not converge' : `converged in ${convergedMs} ms`
  const speed = `${rounded(simulatedMs / 1_000)} s in ${rounded(wallMs / 1_000)} s`
  return [
    `${plan.name} seed ${plan.seed}: ${verdict}, ${converged}, trace ${traceHash}, ${speed}`,
    ...violations.map(({ checker, message }) => `  ${checker}: ${message}`),
    ...complaints.slice(0, COMPLAINTS_SHOWN).map((complaint) => `  the transport says: ${complaint}`),
  ]
}
