// The door for callers that are in the middle of a promise: a run must begin in a macrotask of its own.
import { systemClock } from '../../node/ports/clock.ts'
import type { Plan } from '../plan/plan.ts'
import { run, type RunOptions, type RunResult } from './run.ts'

/** Runs a plan to its verdict. Blocks the process until then; runs asked for together take turns. */
export function simulate(plan: Plan, options: RunOptions = {}): Promise<RunResult> {
  return new Promise((resolve, reject) => {
    systemClock.setTimer(0, () => {
      try {
        resolve(run(plan, options))
      } catch (error) {
        reject(error)
      }
    })
  })
}
