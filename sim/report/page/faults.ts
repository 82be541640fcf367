// What was done to the mesh, one labelled bar each, packed into few rows; and the violation as a flag above all.
import type { FaultFacts } from './data.ts'
import type { Model } from './model.ts'
import type { Palette } from './palette.ts'
import { durationLabel, timeLabel, type Scale } from './scale.ts'
import { Track, type Hint } from './track.ts'
import type { View } from './view.ts'

const ROW = 17
const BAR = 13
const ROWS_MAX = 7
const FLAGS = 20
/** Narrowest bar, so that what is over at once is seen. */
const BAR_MIN = 5

interface Bar {
  readonly fault: FaultFacts
  readonly x: number
  readonly width: number
  readonly row: number
}

export class Faults extends Track {
  readonly #model: Model
  #rows = 1
  #bars: Bar[] = []

  constructor(view: View, model: Model) {
    super(view, { name: 'Faults', description: 'One bar for each fault, from its beginning to its end.' })
    this.#model = model
    // Rows are laid out over the whole run, so that bars keep their rows while one zooms.
    this.#rows = Math.max(1, ...this.#rowsOfAll().values()) + 1
  }

  height(): number {
    const flags = this.#model.facts.violations.length > 0 ? FLAGS : 0
    return flags + (this.#model.facts.faults.length === 0 ? ROW : this.#rows * ROW) + 6
  }

  protected paint(scale: Scale, palette: Palette): void {
    const { surface } = this
    const { faults, violations } = this.#model.facts
    const top = violations.length > 0 ? FLAGS : 0
    const rows = this.#rowsOfAll()
    this.#bars = []
    surface.text('faults', scale.left - 10, top + 10, { colour: palette.muted, align: 'right' })
    if (faults.length === 0) surface.text('none in this run', scale.left + 6, top + 10, { colour: palette.muted })
    this.clip(scale, () => {
      for (const fault of faults) this.#paintBar(fault, rows.get(fault) ?? 0, top, scale, palette)
      this.#paintFlags(scale, palette)
    })
  }

  hint(x: number, y: number): Hint | undefined {
    const top = this.#model.facts.violations.length > 0 ? FLAGS : 0
    const bar = this.#bars.findLast((bar) => {
      const above = top + bar.row * ROW
      return x >= bar.x - 2 && x <= bar.x + bar.width + 2 && y >= above && y < above + ROW
    })
    if (bar === undefined) return undefined
    const { at, until } = bar.fault
    return { ...faultHint(bar.fault, this.#model), open: () => this.view.focus(at, until) }
  }

  #paintBar(fault: FaultFacts, row: number, top: number, scale: Scale, palette: Palette): void {
    const x = scale.x(fault.at)
    const width = Math.max(BAR_MIN, scale.x(fault.until) - x)
    if (x + width < scale.left || x > scale.right) return
    const y = top + row * ROW + 3
    const { context } = this.surface
    context.fillStyle = palette.fault
    context.globalAlpha = 0.3
    context.fillRect(x, y, width, BAR)
    context.globalAlpha = 1
    context.fillRect(x, y, 2, BAR)
    this.#bars.push({ fault, x, width, row })
    const left = Math.max(scale.left, x) + 6
    const label = `${fault.kind} ${fault.text}`
    this.surface.textWithin(label, left, y + BAR / 2 + 0.5, x + width - left - 3, { colour: palette['fault-ink'] })
  }

  #paintFlags(scale: Scale, palette: Palette): void {
    for (const { at, checker } of this.#model.facts.violations) {
      const x = scale.x(at)
      if (!scale.isInside(x)) continue
      const { context } = this.surface
      const isLeft = x > scale.right - 150
      context.fillStyle = palette.violation
      context.fillRect(x - 1, 0, 2, this.surface.height)
      const label = `✕ ${checker}`
      const width = this.surface.widthOf(label, { weight: 600 }) + 12
      context.fillRect(isLeft ? x - width : x, 1, width, 16)
      this.surface.text(label, isLeft ? x - width + 6 : x + 6, 9.5, { colour: palette.surface, weight: 600 })
    }
  }

  /** A row for each fault, none overlapping another while rows last. */
  #rowsOfAll(): Map<FaultFacts, number> {
    const { faults, end } = this.#model.facts
    const room = end / 60
    const ends: number[] = []
    const rows = new Map<FaultFacts, number>()
    for (const fault of faults) {
      let row = ends.findIndex((until) => until <= fault.at)
      if (row < 0) row = ends.length < ROWS_MAX ? ends.length : rows.size % ROWS_MAX
      ends[row] = Math.max(fault.until, fault.at + room)
      rows.set(fault, row)
    }
    return rows
  }
}

export function faultHint(fault: FaultFacts, model: Model): Hint {
  const { at, until, kind, text, lanes } = fault
  const sides = new Map<string, string[]>()
  for (const { lane, label } of lanes) sides.set(label, [...(sides.get(label) ?? []), model.peerName(lane)])
  const about = [...sides].map(([label, names]) => `${label}: ${names.join(' ')}`)
  const lasts = until > at ? `, lasted ${durationLabel(until - at)}` : ''
  return { title: kind, lines: [text, `at ${timeLabel(at)}${lasts}`, ...about] }
}
