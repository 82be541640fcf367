// `sim swarm`: a range of seeds over all cores.
import type { Command } from 'commander'
import { saveRun } from '../../run/saved-run.ts'
import { openSource, type Experimenter } from '../../scenarios/source.ts'
import { swarm, WORKERS_DEFAULT, type SwarmResult } from '../../swarm/swarm.ts'
import { EXIT_VIOLATED } from '../conduct.ts'
import { duration, overridesOf, seeds, wholeNumber, withOverrides, type OverrideFlags, type Range } from '../flags.ts'
import { counted, grouped, printLines, rounded } from '../print.ts'
import { commandLine } from '../program.ts'
import { progressBar } from '../progress.ts'
import { swarmLines } from '../swarm-summary.ts'

interface SwarmFlags extends OverrideFlags {
  readonly seeds: Range
  readonly timeLimit?: number
  readonly failures: number
  readonly workers: number
  readonly out: string
  readonly json?: boolean
}

const EXIT_INTERRUPTED = 130
const FORMAT =
  '{bar} {value}/{total} seeds | {rate} seeds/s | {simulated} s simulated, {speed}x | {failures} failed | {eta_formatted}'

export function registerSwarm(program: Command): void {
  const command = program
    .command('swarm [scenario]')
    .description('run many seeds over all cores: each draws its own faults, or runs the scenario')
    .option('--seeds <range>', 'FROM..TO', seeds, { from: 1, to: 1_000 })
    .option('--time-limit <time>', 'stop after so much real time: 60s, 5m', duration)
    .option('--failures <n>', 'stop after so many failing seeds', wholeNumber, 3)
    .option('--workers <n>', 'threads', wholeNumber, WORKERS_DEFAULT)
  withOverrides(command)
    .option('--out <dir>', 'where failing runs are saved', '.')
    .option('--json', 'print one JSON object, on the last line')
    .addHelpText(
      'after',
      `
Examples:
  ${commandLine(['swarm'])}
  ${commandLine(['swarm', '--seeds', '1..100000', '--time-limit', '10m', '--peers', 5])}
  ${commandLine(['swarm', 'split-halves', '--seeds', '1..200', '--json'])}

Exit code: 0 nothing violated, 1 something was (or a mistake in the command), 130 interrupted.`,
    )
    .action((scenario: string | undefined, flags: SwarmFlags) => runSwarm(scenario, flags))
}

async function runSwarm(scenario: string | undefined, flags: SwarmFlags): Promise<void> {
  const source = { scenario, overrides: overridesOf(flags) }
  const experimentOf = await openSource(source)
  const { from, to } = flags.seeds
  const interrupt = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => interrupt.abort())
  const first = { rate: '0', simulated: '0', speed: '0', failures: '0' }
  const isQuiet = flags.json === true
  if (!isQuiet) printLines([`seeds ${from}..${to} on ${counted(flags.workers, 'thread')}`])
  const bar = progressBar(FORMAT, to - from + 1, first, isQuiet)
  const result = await swarm({
    source,
    from,
    to,
    workers: flags.workers,
    failuresMax: flags.failures,
    timeLimitMs: flags.timeLimit,
    signal: interrupt.signal,
    onProgress: ({ seeds, failures, simulatedMs, wallMs }) =>
      bar.update(seeds, {
        rate: rounded((seeds * 1_000) / wallMs),
        simulated: grouped(simulatedMs / 1_000),
        speed: rounded(simulatedMs / wallMs),
        failures: String(failures),
      }),
  })
  bar.done()
  const saved = saveFailures(result, experimentOf, flags.out, scenario)
  printLines(isQuiet ? [JSON.stringify({ ...result, violations: saved })] : swarmLines(result, saved))
  if (result.stopped === 'interrupted') process.exitCode = EXIT_INTERRUPTED
  if (saved.length > 0) process.exitCode = EXIT_VIOLATED
}

function saveFailures(
  { violations }: SwarmResult,
  experimentOf: Experimenter,
  directory: string,
  scenario: string | undefined,
) {
  return violations.map((violation) => {
    const { plan } = experimentOf(violation.seed)
    const { seed: _seed, traceHash, ...shown } = violation
    const file = saveRun(directory, `failure-${violation.seed}`, {
      scenario: scenario ?? null,
      verdict: 'violated',
      violations: [shown],
      traceHash,
      plan,
    })
    return { ...violation, file, replay: commandLine(['replay', file]) }
  })
}
