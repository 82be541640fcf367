// From time to pixels and back, round ticks, and times as people write them.

/** Width of the names beside the tracks, and of the room at the right edge. */
const GUTTER = 112
const RIGHT = 16
const SECOND = 1_000_000
/** Room that a tick with its label needs. */
const TICK_PIXELS = 90
const STEPS = [1, 2, 5]

export class Scale {
  readonly left: number
  readonly right: number
  readonly from: number
  readonly to: number

  constructor(view: { readonly from: number; readonly to: number }, width: number) {
    this.left = GUTTER
    this.right = Math.max(GUTTER + 1, width - RIGHT)
    this.from = view.from
    this.to = view.to
  }

  get width(): number {
    return this.right - this.left
  }

  x(time: number): number {
    return this.left + ((time - this.from) / (this.to - this.from)) * this.width
  }

  /** Like `x`, but never outside the track. */
  clamped(time: number): number {
    return Math.min(this.right, Math.max(this.left, this.x(time)))
  }

  time(x: number): number {
    return this.from + ((x - this.left) / this.width) * (this.to - this.from)
  }

  isInside(x: number): boolean {
    return x >= this.left && x <= this.right
  }

  ticks(): { readonly at: number; readonly label: string }[] {
    const step = roundStep(((this.to - this.from) / this.width) * TICK_PIXELS)
    const ticks = []
    for (let at = Math.ceil(this.from / step) * step; at <= this.to; at += step) {
      ticks.push({ at, label: timeLabel(at, step) })
    }
    return ticks
  }
}

function roundStep(least: number): number {
  if (least > 20 * SECOND) return Math.ceil(least / (30 * SECOND)) * 30 * SECOND
  let power = 1
  while (power * 10 < least) power *= 10
  return (STEPS.find((step) => step * power >= least) ?? 10) * power
}

/** `1:30`, `12.5 s`, `12.503 21 s`: as exact as `step` asks for. */
export function timeLabel(at: number, step = 1_000): string {
  if (step >= 30 * SECOND) {
    const seconds = Math.round(at / SECOND)
    return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
  }
  const digits = Math.min(6, Math.max(0, Math.ceil(Math.log10(SECOND / step))))
  return `${(at / SECOND).toFixed(digits)} s`
}

/** A length of time: `3.2 ms`, `1.50 s`. */
export function durationLabel(micros: number): string {
  if (micros < 1_000) return `${Math.round(micros)} µs`
  if (micros < SECOND) return `${(micros / 1_000).toFixed(micros < 10_000 ? 2 : 1)} ms`
  return `${(micros / SECOND).toFixed(2)} s`
}

export function countLabel(count: number): string {
  return count.toLocaleString('en-US')
}
