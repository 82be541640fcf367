// What became of one seed: a run's result without what is large, and how long it really took.
import { systemClock } from '../../node/ports/clock.ts'
import { attempt } from '../run/attempt.ts'
import type { RunResult } from '../run/run.ts'
import type { Experiment } from '../scenarios/source.ts'

export type Outcome = Omit<RunResult, 'plan' | 'events'> & {
  readonly seed: number
  readonly wallMs: number
}

/** Runs it. Must be called from a macrotask. */
export function outcomeOf(seed: number, { plan, own }: Experiment): Outcome {
  const start = systemClock.monotonic()
  const { plan: _plan, ...result } = attempt(plan, { own })
  return withoutTrace(seed, result, systemClock.monotonic() - start)
}

export function withoutTrace(seed: number, result: Omit<RunResult, 'plan'>, wallMs: number): Outcome {
  const { events: _events, ...rest } = result
  return { ...rest, seed, wallMs }
}
