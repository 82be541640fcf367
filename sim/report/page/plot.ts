// A plot of sampled numbers over time: filled up to the largest of all peers, with one peer's own line when it is
// brought out. Names and the scale stand beside it; there is no second axis.
import type { Palette } from './palette.ts'
import { timeLabel, type Scale } from './scale.ts'
import { Track, type Hint } from './track.ts'
import type { View } from './view.ts'

const HEIGHT = 76
const TOP = 12
const BOTTOM = 8

interface Line {
  /** Drawn in red, and only where it is not 0. */
  readonly isWrong?: boolean
  readonly at: (sample: number) => number
}

export interface Series extends Line {
  readonly name: string
}

export interface PlotOptions {
  readonly name: string
  readonly unit: string
  readonly description: string
  readonly sampleMicros: number
  readonly samples: number
  readonly series: readonly Series[]
  /** The line of one peer, if there are such. */
  readonly ofLane?: (lane: number, sample: number) => number
  readonly laneName: (lane: number) => string
}

export class Plot extends Track {
  readonly #options: PlotOptions
  readonly #max: number

  constructor(view: View, options: PlotOptions) {
    super(view, options)
    this.#options = options
    let max = 1
    for (const { at } of options.series) {
      for (let sample = 0; sample < options.samples; sample++) {
        const value = at(sample)
        if (value > max) max = value
      }
    }
    this.#max = roundUp(max)
  }

  height(): number {
    return HEIGHT
  }

  protected paint(scale: Scale, palette: Palette): void {
    const { surface } = this
    const { name, unit, series, ofLane } = this.#options
    surface.text(name, scale.left - 10, TOP + 6, { colour: palette.ink, align: 'right', weight: 600 })
    surface.text(unit, scale.left - 10, TOP + 21, { colour: palette.muted, align: 'right', size: 10 })
    this.#paintScale(scale, palette)
    this.clip(scale, () => {
      for (const one of series) this.#paintSeries(one, scale, palette)
      const { lane } = this.view
      if (ofLane === undefined || lane === undefined) return
      this.#paintLine({ at: (sample) => ofLane(lane, sample) }, scale, palette.selection, 2)
    })
    if (this.#options.samples === 0) surface.text('not sampled', scale.left + 6, HEIGHT / 2, { colour: palette.muted })
  }

  hint(x: number, _y: number, scale: Scale): Hint | undefined {
    const { series, name, unit, samples } = this.#options
    if (samples === 0) return undefined
    const time = scale.time(x)
    const sample = this.#sampleAt(time)
    const values = series.map((one) => `${one.name}: ${valueLabel(one.at(sample))}`)
    return { title: `${name}, ${timeLabel(time)}`, lines: [...values, `(${unit})`] }
  }

  #paintScale(scale: Scale, palette: Palette): void {
    const { context } = this.surface
    context.strokeStyle = palette.grid
    context.lineWidth = 1
    for (const value of [0, this.#max]) {
      const y = Math.round(this.#y(value)) + 0.5
      context.beginPath()
      context.moveTo(scale.left, y)
      context.lineTo(scale.right, y)
      context.stroke()
    }
    const top = this.#y(this.#max) + 7
    this.surface.text(valueLabel(this.#max), scale.left + 4, top, { colour: palette.muted, size: 10 })
  }

  #paintSeries(series: Series, scale: Scale, palette: Palette): void {
    const { context } = this.surface
    const colour = series.isWrong === true ? palette.violation : palette.amount
    context.fillStyle = colour
    context.globalAlpha = 0.2
    context.beginPath()
    this.#paths(series, scale, true)
    context.fill()
    context.globalAlpha = 1
    this.#paintLine(series, scale, colour, 1.4)
  }

  #paintLine(series: Line, scale: Scale, colour: string, width: number): void {
    const { context } = this.surface
    context.strokeStyle = colour
    context.lineWidth = width
    context.lineJoin = 'round'
    context.beginPath()
    this.#paths(series, scale, false)
    context.stroke()
  }

  /** A path along the steps, one for each stretch without a gap; down to the ground at both ends for filling. */
  #paths(series: Line, scale: Scale, isFilled: boolean): void {
    const { context } = this.surface
    const ground = this.#y(0)
    let before: number | undefined
    for (const { left, right, value } of this.#steps(series, scale)) {
      if (before !== left) {
        if (isFilled && before !== undefined) context.lineTo(before, ground)
        context.moveTo(left, isFilled ? ground : this.#y(value))
      }
      context.lineTo(left, this.#y(value))
      context.lineTo(right, this.#y(value))
      before = right
    }
    if (isFilled && before !== undefined) context.lineTo(before, ground)
  }

  /** The samples in sight as steps; of several in one pixel the largest counts. A peer that is down has none. */
  *#steps(
    { at, isWrong: isSparse = false }: Line,
    scale: Scale,
  ): Generator<{ left: number; right: number; value: number }> {
    const { sampleMicros, samples } = this.#options
    const last = Math.min(samples - 1, this.#sampleAt(scale.to))
    const stride = Math.max(1, Math.floor(((scale.to - scale.from) / sampleMicros / scale.width) * 0.7))
    for (let sample = this.#sampleAt(scale.from); sample <= last; sample += stride) {
      let most = Number.NaN
      for (let one = sample; one < sample + stride && one <= last; one++) {
        const value = at(one)
        if (Number.isNaN(most) || value > most) most = value
      }
      if (Number.isNaN(most) || (isSparse && most === 0)) continue
      yield {
        left: scale.clamped(sample * sampleMicros),
        right: scale.clamped((sample + stride) * sampleMicros),
        value: most,
      }
    }
  }

  #sampleAt(time: number): number {
    return Math.max(0, Math.min(this.#options.samples - 1, Math.floor(time / this.#options.sampleMicros)))
  }

  #y(value: number): number {
    return TOP + (1 - Math.min(value, this.#max) / this.#max) * (HEIGHT - TOP - BOTTOM)
  }
}

/** The next of 1, 2, 5, 10, 20, 50 … */
function roundUp(value: number): number {
  let power = 1
  while (power * 10 <= value) power *= 10
  return ([1, 2, 5, 10].find((step) => step * power >= value) ?? 10) * power
}

function valueLabel(value: number): string {
  if (Number.isNaN(value)) return 'down'
  return value >= 10_000 ? `${Math.round(value / 1_000)}k` : String(Math.round(value))
}
