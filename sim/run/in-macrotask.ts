// The way into a run for callers that are in the middle of a promise: it must begin in a macrotask of its own.
import { systemClock } from '../../node/ports/clock.ts'

/** Calls `body` in a macrotask of its own; bodies asked for together take turns. */
export function inMacrotask<T>(body: () => T): Promise<T> {
  return new Promise((resolve, reject) => {
    systemClock.setTimer(0, () => {
      try {
        resolve(body())
      } catch (error) {
        reject(error)
      }
    })
  })
}
