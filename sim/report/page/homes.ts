// Homes per peer: a row for each, the darker the more sessions it calls itself home of. On two sides of a partition the
// rows add up to more than there are sessions.
import { DOWN } from './data.ts'
import type { Model } from './model.ts'
import type { Palette } from './palette.ts'
import { timeLabel, type Scale } from './scale.ts'
import { Track, type Hint } from './track.ts'
import type { View } from './view.ts'

const TOP = 10
const BOTTOM = 6
const ROW_MAX = 15
const ROW_MIN = 4
const ROWS_HEIGHT = 200
/** Rows high enough for a number in them. */
const NUMBER_HEIGHT = 11
const NUMBER_WIDTH = 20

export class HomesTrack extends Track {
  readonly #model: Model
  readonly #max: number

  constructor(view: View, model: Model) {
    super(view, { name: 'Homes', description: 'A row for each peer; the darker, the more sessions it is home of.' })
    this.#model = model
    let max = 1
    const { homes } = model.columns
    for (const count of homes) if (count !== DOWN && count > max) max = count
    this.#max = max
  }

  height(): number {
    return TOP + BOTTOM + Math.max(44, this.#row * this.#model.lanes)
  }

  get #row(): number {
    return Math.max(ROW_MIN, Math.min(ROW_MAX, ROWS_HEIGHT / Math.max(1, this.#model.lanes)))
  }

  protected paint(scale: Scale, palette: Palette): void {
    const { surface } = this
    const row = this.#row
    const isNamed = row >= NUMBER_HEIGHT && this.#model.lanes > 1
    surface.text('homes', scale.left - (isNamed ? 44 : 10), TOP + 6, {
      colour: palette.ink,
      align: 'right',
      weight: 600,
    })
    surface.text('per peer', scale.left - (isNamed ? 44 : 10), TOP + 21, {
      colour: palette.muted,
      align: 'right',
      size: 10,
    })
    for (let lane = 0; lane < this.#model.lanes; lane++) {
      const y = TOP + lane * row
      const name = this.#model.peerName(lane)
      if (isNamed)
        surface.text(name.slice(0, 5), scale.left - 10, y + row / 2, {
          colour: palette.muted,
          size: 10,
          align: 'right',
        })
      this.clip(scale, () => this.#paintRow(lane, y, row, scale, palette))
    }
  }

  hint(x: number, y: number, scale: Scale): Hint | undefined {
    const lane = Math.floor((y - TOP) / this.#row)
    if (lane < 0 || lane >= this.#model.lanes || this.#model.columns.divergent.length === 0) return undefined
    const time = scale.time(x)
    const sample = this.#model.sampleAt(time)
    let total = 0
    for (let one = 0; one < this.#model.lanes; one++) total += this.#homes(one, sample) ?? 0
    const homes = this.#homes(lane, sample)
    const own = homes === undefined ? 'down' : `home of ${homes} sessions`
    return { title: `${this.#model.peerName(lane)}: ${own}`, lines: [timeLabel(time), `all peers together: ${total}`] }
  }

  #homes(lane: number, sample: number): number | undefined {
    const count = this.#model.sampled(this.#model.columns.homes, lane, sample)
    return count === DOWN ? undefined : count
  }

  /** Stretches of equal numbers, each one bar. */
  #paintRow(lane: number, y: number, row: number, scale: Scale, palette: Palette): void {
    const { sampleMicros } = this.#model.facts
    const last = this.#model.sampleAt(scale.to)
    let begun = this.#model.sampleAt(scale.from)
    if (this.#model.columns.divergent.length === 0) return
    for (let sample = begun + 1; sample <= last + 1; sample++) {
      const count = this.#homes(lane, begun)
      if (sample <= last && this.#homes(lane, sample) === count) continue
      const end = sample > last ? scale.right : scale.x(sample * sampleMicros)
      if (count !== undefined) this.#paintBar(count, scale.clamped(begun * sampleMicros), end, y, row, palette)
      begun = sample
    }
  }

  #paintBar(count: number, left: number, right: number, y: number, row: number, palette: Palette): void {
    const { context } = this.surface
    context.fillStyle = palette.amount
    context.globalAlpha = count === 0 ? 0.06 : 0.25 + 0.55 * (count / this.#max)
    context.fillRect(left, y, right - left, row - 1)
    context.globalAlpha = 1
    if (row < NUMBER_HEIGHT || right - left < NUMBER_WIDTH) return
    const colour = count / this.#max > 0.55 ? palette.surface : palette.ink
    this.surface.text(String(count), left + 4, y + row / 2, { colour, size: 10 })
  }
}
