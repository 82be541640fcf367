// Many deadlines on one timer, set for the earliest. Most are met long before: nothing is done for those, and who keeps
// them is asked which are left when the timer fires.
import type { Cancel, Clock } from '../ports/clock.ts'

export class Deadlines {
  readonly #clock: Clock
  readonly #onDue: (now: number) => void
  #earliest = Number.POSITIVE_INFINITY
  #cancel: Cancel = () => {}

  /** @param onDue deals with what was due by `now` (monotonic ms), and adds the deadlines that are left */
  constructor(clock: Clock, onDue: (now: number) => void) {
    this.#clock = clock
    this.#onDue = onDue
  }

  /** @param deadline monotonic ms */
  add(deadline: number): void {
    if (deadline >= this.#earliest) return
    this.#cancel()
    this.#earliest = deadline
    // Whole milliseconds: the rest of a rounded one would be waited for again and again.
    this.#cancel = this.#clock.setTimer(Math.max(0, Math.ceil(deadline - this.#clock.monotonic())), () => {
      this.#earliest = Number.POSITIVE_INFINITY
      this.#onDue(this.#clock.monotonic())
    })
  }

  clear(): void {
    this.#cancel()
    this.#earliest = Number.POSITIVE_INFINITY
  }
}
