/** Stops a timer; calling it again, or after the timer fired, does nothing. */
export type Cancel = () => void

/** Time as the peer sees it. Both readings are in milliseconds and may have a fraction. */
export interface Clock {
  /** Wall clock since the epoch: may jump, in both directions. For stamps that others read. */
  now(): number
  /** Never goes back. For measuring how long something took. */
  monotonic(): number
  /** Runs `callback` once, not before `delayMs` have passed. Timers of equal time fire in the order set. */
  setTimer(delayMs: number, callback: () => void): Cancel
}

/** Node's longest timer; a longer one would fire at once. */
const TIMER_MAX_MS = 2 ** 31 - 1

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimer(delayMs, callback) {
    let timer: NodeJS.Timeout
    const wait = (leftMs: number): void => {
      timer =
        leftMs > TIMER_MAX_MS
          ? setTimeout(() => wait(leftMs - TIMER_MAX_MS), TIMER_MAX_MS)
          : setTimeout(callback, leftMs)
    }
    wait(delayMs)
    return () => clearTimeout(timer)
  },
}
