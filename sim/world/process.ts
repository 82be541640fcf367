// One incarnation of a peer's process: everything it waits for goes through here, so that a crash forgets all of it and
// a freeze keeps it back. Timers and arrivals that became due while it was frozen run at the thaw, in their order, as
// they do after SIGCONT.
import type { Cancel, Clock } from '../../node/ports/clock.ts'
import type { ClockDrift } from './clock-drift.ts'
import { MS, type Loop, type Micros } from './loop.ts'

/** Runs code of a process. A tier that must know whose code runs, to tell whose timer is set, wraps it. */
export type Inside = <T>(process: SimProcess, code: () => T) => T

export interface SimProcessOptions {
  readonly inside: Inside
  /** Told of what a callback throws: nobody has caught it, a real process would end. */
  readonly onThrow: (error: unknown) => void
}

export class SimProcess {
  readonly clock: Clock
  readonly #loop: Loop
  readonly #options: SimProcessOptions
  #isAlive = true
  #isFrozen = false
  #keptBack: (() => void)[] = []
  /** How much later everything happens here: a slow peer. */
  #slowness: Micros = 0

  constructor(loop: Loop, drift: ClockDrift, options: SimProcessOptions) {
    this.#loop = loop
    this.#options = options
    this.clock = {
      now: () => drift.now(),
      monotonic: () => drift.monotonic(),
      setTimer: (delayMs, callback) => this.after(drift.realMicros(delayMs), callback),
    }
  }

  get isAlive(): boolean {
    return this.#isAlive
  }

  get isFrozen(): boolean {
    return this.#isFrozen
  }

  /** Runs `callback` after `delay` of real time, unless the process has died by then. */
  after(delay: Micros, callback: () => void): Cancel {
    let isCancelled = false
    const task = this.#loop.schedule(this.#loop.now + Math.max(0, delay) + this.#slowness, () => {
      this.#enter(() => {
        if (!isCancelled) callback()
      })
    })
    return () => {
      isCancelled = true
      this.#loop.cancel(task)
    }
  }

  /** Runs `callback` now, or at the thaw; never if the process is dead. For what comes from outside. */
  enter(callback: () => void): void {
    if (this.#slowness > 0) this.after(0, callback)
    else this.#enter(callback)
  }

  /** Runs code of this process now, whatever state it is in: for callers that have looked. */
  inside<T>(code: () => T): T {
    return this.#options.inside(this, code)
  }

  setSlowness(slowness: Micros): void {
    this.#slowness = slowness
  }

  freeze(): void {
    this.#isFrozen = true
  }

  thaw(): void {
    if (!this.#isFrozen) return
    this.#isFrozen = false
    for (const callback of this.#keptBack.splice(0)) this.#loop.schedule(this.#loop.now, () => this.#enter(callback))
  }

  /** Nothing of it runs any more. */
  kill(): void {
    this.#isAlive = false
    this.#keptBack = []
  }

  #enter(callback: () => void): void {
    if (!this.#isAlive) return
    if (this.#isFrozen) {
      this.#keptBack.push(callback)
      return
    }
    try {
      this.inside(callback)
    } catch (error) {
      this.#options.onThrow(error)
    }
  }
}

/** A microsecond count of a configured number of milliseconds. */
export function micros(ms: number): Micros {
  return Math.round(ms * MS)
}
