// The few ways in which the peer waits, all on its Clock.
import type { Cancel, Clock } from '../ports/clock.ts'
import { SessionMeshError } from '../../crdt/errors.ts'

/** Runs `task` every `intervalMs`, measured from the end of the last run, until cancelled. */
export function every(clock: Clock, intervalMs: number, task: () => void): Cancel {
  let cancelled = false
  let cancel: Cancel = () => {}
  const next = () => {
    cancel = clock.setTimer(intervalMs, () => {
      task()
      if (!cancelled) next()
    })
  }
  next()
  return () => {
    cancelled = true
    cancel()
  }
}

/** The same for a task that takes time: it is left out while the last run is still under way. */
export function everyInTurn(
  clock: Clock,
  intervalMs: number,
  task: () => Promise<void>,
  onError: (error: unknown) => void,
): Cancel {
  let running = false
  return every(clock, intervalMs, () => {
    if (running) return
    running = true
    task()
      .catch(onError)
      .finally(() => {
        running = false
      })
  })
}

/** Resolves after `delayMs` at the earliest. */
export function delay(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => clock.setTimer(delayMs, resolve))
}

/** Resolves as soon as `condition` holds, looking again every `intervalMs`. @throws REQUEST_TIMEOUT naming `what` */
export async function until(
  clock: Clock,
  condition: () => boolean,
  options: { readonly timeoutMs: number; readonly intervalMs: number; readonly what: string },
): Promise<void> {
  const deadline = clock.monotonic() + options.timeoutMs
  while (!condition()) {
    if (clock.monotonic() >= deadline) {
      throw new SessionMeshError('REQUEST_TIMEOUT', `${options.what}: not within ${options.timeoutMs} ms`)
    }
    await delay(clock, options.intervalMs)
  }
}

/** A clock whose timers end together: what still waits when a peer has stopped must not keep its process alive. */
export function endingClock(clock: Clock): { readonly clock: Clock; readonly end: Cancel } {
  const waiting = new Set<Cancel>()
  const setTimer: Clock['setTimer'] = (delayMs, callback) => {
    const cancel = clock.setTimer(delayMs, () => {
      waiting.delete(cancel)
      callback()
    })
    waiting.add(cancel)
    return () => {
      waiting.delete(cancel)
      cancel()
    }
  }
  return {
    clock: { now: () => clock.now(), monotonic: () => clock.monotonic(), setTimer },
    end() {
      for (const cancel of waiting) cancel()
      waiting.clear()
    },
  }
}
