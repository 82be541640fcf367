// One run for `run` and `replay`: done, printed, drawn if asked for, saved if it failed, and turned into an exit code.
import { writeFileSync } from 'node:fs'
import { systemClock } from '../../node/ports/clock.ts'
import { Recorder, renderReport } from '../report/index.ts'
import { attempt } from '../run/attempt.ts'
import { inMacrotask } from '../run/in-macrotask.ts'
import type { RunResult } from '../run/run.ts'
import { saveRun } from '../run/saved-run.ts'
import type { Experiment } from '../scenarios/source.ts'
import { columns, type Shown } from './columns.ts'
import { commandLine } from './program.ts'
import { printLines } from './print.ts'
import { verdictLines } from './verdict.ts'

export interface ConductOptions {
  readonly experiment: Experiment
  /** What was run, for people and for the saved file. */
  readonly scenario: string | undefined
  /** Arguments that run it again. */
  readonly again: readonly string[]
  /** Where a failing run is saved; undefined if it is not to be. */
  readonly directory: string | undefined
  readonly json: boolean
  readonly trace: Shown | false
  /** Where the picture of the run goes; undefined if none is asked for. */
  readonly picture: string | undefined
  /** What it was when it was saved; undefined if this is the first time. */
  readonly expectedHash?: string
}

/** What `--json` prints. */
export interface RunReport extends Omit<RunResult, 'plan' | 'events' | 'eventCount'> {
  /** A number, or whatever text the plan has. */
  readonly seed: number | string
  readonly scenario: string | null
  readonly events: number
  readonly wallMs: number
  /** Simulated time for each unit of real time. */
  readonly simulatedPerWall: number
  /** Whether the trace is that of the saved run; null if there is none to compare with. */
  readonly sameTrace: boolean | null
  /** Where the failing run was saved. */
  readonly file: string | null
  /** Where its picture is. */
  readonly report: string | null
  /** The command that runs it again. */
  readonly replay: string
}

export const EXIT_VIOLATED = 1
const EXIT_VACUOUS = 2

export async function conduct(options: ConductOptions): Promise<RunReport> {
  const { experiment, scenario, json, trace, directory, picture } = options
  const recorder = picture === undefined ? undefined : new Recorder()
  const { result, wallMs } = await inMacrotask(() => {
    const start = systemClock.monotonic()
    const result = attempt(experiment.plan, {
      own: experiment.own,
      keepTrace: trace !== false,
      ...recorder?.options,
    })
    return { result, wallMs: systemClock.monotonic() - start }
  })
  if (trace !== false) printLines(columns(result.plan, result.events, trace))
  const { verdict, violations, traceHash } = result
  const file =
    verdict === 'violated' && directory !== undefined
      ? saveRun(directory, `failure-${result.plan.seed}`, {
          scenario: scenario ?? null,
          verdict,
          violations,
          traceHash,
          plan: result.plan,
        })
      : null
  const report = reportOf(options, result, wallMs, file)
  if (picture !== undefined && recorder !== undefined) {
    writeFileSync(picture, renderReport(recorder.record(result, report.replay)))
  }
  printLines(json ? [JSON.stringify(report)] : verdictLines(result, report))
  if (verdict === 'violated') process.exitCode = EXIT_VIOLATED
  if (verdict === 'vacuous') process.exitCode = EXIT_VACUOUS
  return report
}

function reportOf(options: ConductOptions, result: RunResult, wallMs: number, file: string | null): RunReport {
  const { plan, events: _events, eventCount, ...rest } = result
  return {
    seed: /^\d+$/.test(plan.seed) ? Number(plan.seed) : plan.seed,
    scenario: options.scenario ?? null,
    ...rest,
    events: eventCount,
    wallMs,
    simulatedPerWall: result.simulatedMs / wallMs,
    sameTrace: options.expectedHash === undefined ? null : options.expectedHash === result.traceHash,
    file,
    report: options.picture ?? null,
    replay: commandLine(file === null ? options.again : ['replay', file]),
  }
}
