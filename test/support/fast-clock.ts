// Time that runs ahead, for tests that mostly wait for timers.
import { systemClock, type Clock } from '../../node/ports/clock.ts'

/** A clock on which `speed` milliseconds pass in one. */
export function fastClock(speed: number): Clock {
  const start = systemClock.now()
  const begun = systemClock.monotonic()
  return {
    now: () => start + (systemClock.monotonic() - begun) * speed,
    monotonic: () => systemClock.monotonic() * speed,
    setTimer: (delayMs, callback) => systemClock.setTimer(delayMs / speed, callback),
  }
}
