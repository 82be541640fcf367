// Space and time: a lane for each peer, its life and what was done to it, and the messages between lanes.
import type { Model } from './model.ts'
import { firstFrom, value } from './model.ts'
import { cross, type Flights, type LaneLayout } from './flights.ts'
import { flightHint, laneHint, writeHint } from './hints.ts'
import type { Palette } from './palette.ts'
import type { Scale } from './scale.ts'
import { Track, type Hint } from './track.ts'
import type { View } from './view.ts'

const TOP = 8
const LANE_MAX = 58
const LANE_MIN = 15
/** Height that the lanes together like to have. */
const HEIGHT = 460
/** Marks of one kind in sight beyond which they are left out: they would hide each other. */
const MARKS_MAX = 500
const WRITES_MAX = 700
const POINTER_REACH = 6
/** Marks at the very beginning and end are seen whole. */
const EDGE = 6

export class Lanes extends Track {
  readonly #model: Model
  readonly flights: Flights
  readonly layers: Set<string>
  #marks: { readonly x: number; readonly y: number; readonly hint: () => Hint }[] = []

  constructor(view: View, model: Model, flights: Flights, layers: Set<string>) {
    super(view, {
      name: 'Peers',
      description:
        'A lane for each peer; lines between lanes are messages. The table of events below says it in words.',
    })
    this.#model = model
    this.flights = flights
    this.layers = layers
  }

  height(): number {
    return TOP * 2 + this.#laneHeight * this.#model.lanes
  }

  get layout(): LaneLayout {
    const height = this.#laneHeight
    return { top: TOP, height, y: (lane) => TOP + (lane + 0.5) * height }
  }

  get #laneHeight(): number {
    return Math.max(LANE_MIN, Math.min(LANE_MAX, HEIGHT / Math.max(1, this.#model.lanes)))
  }

  protected paint(scale: Scale, palette: Palette): void {
    const { surface, layout } = this
    const { lane } = this.view
    this.#marks = []
    this.#paintNames(scale, palette)
    this.clip(scale, () => {
      if (this.layers.has('faults')) this.#paintFaults(scale, palette)
      this.#paintLife(scale, palette)
      this.flights.draw({ surface, scale, palette, layout, lane })
    })
    const paintAbove = () => {
      this.#paintMarks(scale, palette)
      if (this.layers.has('writes')) this.#paintWrites(scale, palette)
      this.#paintViolations(scale, palette)
    }
    this.clip(scale, paintAbove, EDGE)
  }

  hint(x: number, y: number, scale: Scale): Hint | undefined {
    const lane = Math.floor((y - TOP) / this.#laneHeight)
    this.view.lane = lane >= 0 && lane < this.#model.lanes && x < scale.left ? lane : undefined
    if (lane < 0 || lane >= this.#model.lanes) return undefined
    const near = this.#marks.findLast((mark) => Math.hypot(mark.x - x, mark.y - y) <= POINTER_REACH)
    if (near !== undefined) return near.hint()
    const flight = this.flights.at(x, y, { scale, layout: this.layout })
    if (flight !== undefined) return flightHint(this.#model, flight)
    return laneHint(this.#model, lane, scale.time(Math.max(scale.left, x)))
  }

  #paintNames(scale: Scale, palette: Palette): void {
    const { layout, surface } = this
    const size = layout.height < 15 ? 10 : 12
    for (const [lane, { name, zone }] of this.#model.facts.peers.entries()) {
      const y = layout.y(lane)
      const isOut = this.view.lane === undefined || this.view.lane === lane
      const colour = isOut ? palette.ink : palette.muted
      const twoLines = zone !== '' && layout.height >= 30
      surface.text(name, scale.left - 12, twoLines ? y - 6 : y, { colour, size, align: 'right', weight: 600 })
      if (twoLines) surface.text(zone, scale.left - 12, y + 8, { colour: palette.muted, size: 10, align: 'right' })
    }
  }

  /** A tint on the lanes that faults are about; for partitions one for each side, with its number. */
  #paintFaults(scale: Scale, palette: Palette): void {
    const { context } = this.surface
    const { height, y } = this.layout
    const around: [number, number, number][] = []
    for (const { at, until, lanes } of this.#model.facts.faults) {
      if (until <= at || until < scale.from || at > scale.to) continue
      const [left, right] = [scale.clamped(at), Math.max(scale.clamped(until), scale.clamped(at) + 1)]
      for (const { lane, label } of lanes) {
        const top = y(lane) - height / 2
        if (sideOf(label) === undefined) around.push([left, top, right - left])
        else this.#paintSide(label, { left, right, top }, palette)
      }
    }
    context.fillStyle = palette.fault
    context.globalAlpha = 0.09
    // One path: where faults overlap the tint is no stronger.
    context.beginPath()
    for (const [left, top, width] of around) context.rect(left, top, width, height)
    context.fill()
    context.globalAlpha = 1
  }

  /** Sides of a partition take turns in strength: neighbours on one side look as one. */
  #paintSide(
    label: string,
    { left, right, top }: { left: number; right: number; top: number },
    palette: Palette,
  ): void {
    const { context } = this.surface
    const { height } = this.layout
    context.fillStyle = palette.fault
    context.globalAlpha = Number(sideOf(label)) % 2 === 0 ? 0.24 : 0.1
    context.fillRect(left, top, right - left, height)
    context.globalAlpha = 1
    if (height < 24) return
    this.surface.textWithin(label, left + 5, top + 7, right - left - 8, { colour: palette['fault-ink'], size: 9 })
  }

  #paintLife(scale: Scale, palette: Palette): void {
    const { context } = this.surface
    const half = this.layout.height < 24 ? 0.5 : 1.5
    for (const [lane, spans] of this.#model.life.entries()) {
      const y = this.layout.y(lane)
      context.strokeStyle = palette.grid
      context.lineWidth = 1
      context.setLineDash([1, 3])
      context.beginPath()
      context.moveTo(scale.left, y)
      context.lineTo(scale.right, y)
      context.stroke()
      context.setLineDash([])
      for (const { state, from, to } of spans) {
        if (to < scale.from || from > scale.to) continue
        const [left, right] = [scale.clamped(from), Math.max(scale.clamped(to), scale.clamped(from) + 1)]
        context.fillStyle = palette.lane
        if (state === 'up') context.fillRect(left, y - half, right - left, half * 2)
        else this.#paintFrozen(left, right, y, palette)
      }
    }
  }

  /** A hollow lane: the process is there and does nothing. */
  #paintFrozen(left: number, right: number, y: number, palette: Palette): void {
    const { context } = this.surface
    const half = Math.min(5, this.layout.height / 4)
    context.strokeStyle = palette.muted
    context.lineWidth = 1
    context.fillStyle = palette.surface
    context.fillRect(left, y - half, right - left, half * 2)
    context.strokeRect(left + 0.5, y - half, Math.max(0, right - left - 1), half * 2)
    this.surface.textWithin('frozen', left + 5, y + 0.5, right - left - 8, { colour: palette.muted, size: 9 })
  }

  #paintMarks(scale: Scale, palette: Palette): void {
    const { columns } = this.#model
    const first = firstFrom(columns.markAt, scale.from)
    const last = firstFrom(columns.markAt, scale.to)
    const isCrowded = last - first > MARKS_MAX
    for (let mark = first; mark < last; mark++) {
      const kind = this.#model.markKind(mark)
      if (isCrowded && kind !== 'crash' && kind !== 'start') continue
      const lane = value(columns.markLane, mark)
      const at = value(columns.markAt, mark)
      const [x, y] = [scale.x(at), this.layout.y(lane)]
      this.#paintMark(kind, this.#model.markText(mark), x, y, palette)
      const title = `${this.#model.peerName(lane)}: ${this.#model.markText(mark)}`
      this.#marks.push({ x, y, hint: () => ({ title, lines: [`${(at / 1_000_000).toFixed(6)} s`] }) })
    }
  }

  #paintMark(kind: string, text: string, x: number, y: number, palette: Palette): void {
    const { context } = this.surface
    const size = Math.min(4.5, this.layout.height / 3.2)
    context.strokeStyle = palette.ink
    context.fillStyle = palette.surface
    context.lineWidth = 1.6
    context.beginPath()
    if (kind === 'crash') cross(context, x, y, size)
    else if (kind === 'start') triangle(context, x, y, size, 'right')
    else if (kind === 'stop') context.rect(x - size + 1, y - size + 1, size * 2 - 2, size * 2 - 2)
    else if (kind === 'member') {
      if (text.endsWith('alive')) return
      context.lineWidth = 1
      triangle(context, x, y + size + 1, size * 0.7, 'down')
      if (text.endsWith('dead')) context.fillStyle = palette.ink
    } else if (kind === 'home' || kind === 'log' || kind === 'disk') {
      context.lineWidth = 1
      context.rect(x - 2, y - size - 4, 4, 4)
    } else return
    if (kind === 'start' || kind === 'stop' || kind === 'member') context.fill()
    context.stroke()
  }

  #paintWrites(scale: Scale, palette: Palette): void {
    const { writes } = this.#model.facts
    const inSight = writes.filter(({ invokedAt, endedAt }) => endedAt >= scale.from && invokedAt <= scale.to)
    if (inSight.length > WRITES_MAX || this.layout.height < 20) return
    const { context } = this.surface
    for (const write of inSight) {
      const y = this.layout.y(write.lane) - Math.min(12, this.layout.height * 0.28)
      const [begun, ended] = [scale.x(write.invokedAt), scale.x(write.endedAt)]
      context.strokeStyle = write.outcome === 'acked' ? palette.ack : palette.muted
      context.fillStyle = write.outcome === 'acked' ? palette.ack : palette.surface
      context.lineWidth = 1.5
      context.beginPath()
      context.moveTo(begun, y)
      context.lineTo(ended, y)
      context.stroke()
      context.beginPath()
      if (write.outcome === 'refused' || write.outcome === 'skipped') cross(context, ended, y, 2.5)
      else context.arc(ended, y, 2.6, 0, 2 * Math.PI)
      context.fill()
      context.stroke()
      this.#marks.push({ x: ended, y, hint: () => writeHint(this.#model, write) })
    }
  }

  #paintViolations(scale: Scale, palette: Palette): void {
    const { context } = this.surface
    for (const { at, lanes, checker, message } of this.#model.facts.violations) {
      const x = scale.x(at)
      context.fillStyle = palette.violation
      context.fillRect(x - 1, 0, 2, this.surface.height)
      for (const lane of lanes) {
        const y = this.layout.y(lane)
        context.beginPath()
        context.arc(x, y, Math.min(5, this.layout.height / 3), 0, 2 * Math.PI)
        context.fill()
        this.#marks.push({ x, y, hint: () => ({ title: `violated: ${checker}`, lines: [message.slice(0, 400)] }) })
      }
    }
  }
}

function sideOf(label: string): string | undefined {
  return /^side (\d+)/.exec(label)?.[1]
}

function triangle(context: CanvasRenderingContext2D, x: number, y: number, size: number, to: 'right' | 'down'): void {
  const [dx, dy] = to === 'right' ? [size, 0] : [0, size]
  context.moveTo(x + dx, y + dy)
  context.lineTo(x - dx - dy * 0.9, y - dy - dx * 0.9)
  context.lineTo(x - dx + dy * 0.9, y - dy + dx * 0.9)
  context.closePath()
}
