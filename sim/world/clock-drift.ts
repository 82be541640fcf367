// The clocks of one machine: a wall clock that is off, drifts and may jump in both directions, and a monotonic one that
// drifts with it but never goes back. They outlive the processes of the machine, as real ones do.
import { MS, type Loop, type Micros } from './loop.ts'

/** When virtual time begins, ms since the epoch. Any date will do; a fixed one keeps traces equal. */
const EPOCH_MS = Date.UTC(2030, 0, 1)
const MILLION = 1_000_000

export class ClockDrift {
  readonly #loop: Loop
  /** Real and own time at which the present rate began. */
  #since: Micros = 0
  #own: Micros = 0
  #partsPerMillion = 0
  #skew: Micros = 0

  constructor(loop: Loop) {
    this.#loop = loop
  }

  /** Milliseconds, never going back. */
  monotonic(): number {
    return this.#ownNow() / MS
  }

  /** Milliseconds since the epoch. */
  now(): number {
    return EPOCH_MS + (this.#ownNow() + this.#skew) / MS
  }

  get partsPerMillion(): number {
    return this.#partsPerMillion
  }

  /** How much real time passes while this machine's clock counts `ownMs`. */
  realMicros(ownMs: number): Micros {
    return Math.round((ownMs * MS * MILLION) / (MILLION + this.#partsPerMillion))
  }

  /** From now on the clocks run faster by so many parts per million (slower, if negative). */
  drift(partsPerMillion: number): void {
    this.#own = this.#ownNow()
    this.#since = this.#loop.now
    this.#partsPerMillion = partsPerMillion
  }

  /** The wall clock is put forward (back, if negative). */
  jump(by: Micros): void {
    this.#skew += by
  }

  #ownNow(): Micros {
    const passed = this.#loop.now - this.#since
    return this.#own + passed + Math.floor((passed * this.#partsPerMillion) / MILLION)
  }
}
