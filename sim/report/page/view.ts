// The stretch of time that all tracks show, and what the pointer is on. Every change is told to whoever draws.

/** Narrowest stretch, microseconds: below it there is nothing to tell apart. */
const SPAN_MIN = 200
/** What is shown around something that happened at once. */
const AROUND = 1_000_000

export class View {
  readonly end: number
  from = 0
  to: number
  /** Time under the pointer. */
  pointer: number | undefined
  /** Lane that is brought out. */
  lane: number | undefined
  readonly #listeners: (() => void)[] = []

  constructor(end: number) {
    this.end = Math.max(end, SPAN_MIN)
    this.to = this.end
  }

  get span(): number {
    return this.to - this.from
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener)
  }

  changed(): void {
    for (const listener of this.#listeners) listener()
  }

  show(from: number, to: number): void {
    const span = Math.min(Math.max(to - from, SPAN_MIN), this.end)
    this.from = Math.min(Math.max(0, from - Math.max(0, (span - (to - from)) / 2)), this.end - span)
    this.to = this.from + span
    this.changed()
  }

  /** Narrows the stretch to `factor` of itself, with `at` staying where it is. */
  zoom(factor: number, at = (this.from + this.to) / 2): void {
    const span = Math.min(Math.max(this.span * factor, SPAN_MIN), this.end)
    const share = (at - this.from) / this.span
    this.show(at - span * share, at - span * share + span)
  }

  /** Moves by `share` of what is shown. */
  pan(share: number): void {
    const by = this.span * share
    const from = Math.min(Math.max(0, this.from + by), this.end - this.span)
    this.show(from, from + this.span)
  }

  all(): void {
    this.show(0, this.end)
  }

  /** Shows what happened from `at` to `until`, with room around. */
  focus(at: number, until = at): void {
    const around = Math.max((until - at) * 0.2, AROUND)
    this.show(Math.max(0, at - around), Math.min(this.end, until + around))
  }
}
