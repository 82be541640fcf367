// A run that judges its own collapse too: what is thrown through the whole world, such as a tripwire, is a violation.
import type { Plan } from '../plan/plan.ts'
import { assertDrains } from '../world/loop.ts'
import { run, type RunOptions, type RunResult } from './run.ts'

/** Name under which a collapse is reported, beside those of the checkers. */
const COLLAPSE = 'collapse'

/** Like `run`, but throws only if it is called from where no run can begin. */
export function attempt(plan: Plan, options: RunOptions = {}): RunResult {
  assertDrains()
  try {
    return run(plan, options)
  } catch (error) {
    return { plan, ...collapse(error) }
  }
}

/** What there is to say of a run that did not get to its end. */
export function collapse(error: unknown): Omit<RunResult, 'plan'> {
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return {
    verdict: 'violated',
    violations: [{ checker: COLLAPSE, at: 0, message, machines: [] }],
    traceHash: '',
    events: [],
    eventCount: 0,
    simulatedMs: 0,
    convergedMs: undefined,
    operations: { acked: 0, unknown: 0, refused: 0, skipped: 0 },
    faults: {},
    facts: {},
  }
}
