// Messages between lanes: as lines as long as there are few enough to tell apart, beyond that as a ridge of density on
// the lane that they left. What was lost or late keeps its lines longest, heartbeats lose theirs first.
import { FLIGHT_CLASSES, LATE_MICROS, type FlightClass } from './data.ts'
import { firstFlightFrom, value, type Model } from './model.ts'
import type { Palette } from './palette.ts'
import { Ridges } from './ridges.ts'
import type { Scale } from './scale.ts'
import type { Surface } from './surface.ts'

/** What can be switched on and off. */
export type Layer = FlightClass | 'lost' | 'late'

/** Lines per pixel of width beyond which they hide each other. */
const LINES_PER_PIXEL = 0.55
/** How far a lost message is drawn on its way. */
const LOST_SHARE = 0.45
/** What a lost message is drawn as taking: nobody knows. */
const LOST_MICROS = 20_000
const POINTER_REACH = 5

export interface LaneLayout {
  readonly top: number
  readonly height: number
  readonly y: (lane: number) => number
}

export interface Drawing {
  readonly surface: Surface
  readonly scale: Scale
  readonly palette: Palette
  readonly layout: LaneLayout
  /** Lane that is brought out. */
  readonly lane: number | undefined
}

export class Flights {
  readonly #model: Model
  readonly layers = new Set<Layer>()
  /** Flights drawn as lines last, for finding the one under the pointer. */
  #drawn: Uint32Array[] = []
  #asLines = new Set<Layer>()
  readonly #ridges: Ridges

  constructor(model: Model) {
    this.#model = model
    this.#ridges = new Ridges(model)
  }

  /** Whether the class has its lines at the present zoom. */
  isLines(layer: Layer): boolean {
    return this.#asLines.has(layer)
  }

  draw(drawing: Drawing): void {
    this.#choose(drawing.scale)
    this.#ridges.draw(
      drawing,
      (layer) => this.layers.has(layer) && !this.#asLines.has(layer),
      (layer) => this.layers.has(layer),
    )
    for (const [index, kind] of FLIGHT_CLASSES.entries()) {
      if (this.#asLines.has(kind)) this.#drawLines(drawing, this.#drawn[index + 1], kind)
    }
    if (this.#asLines.has('late')) this.#drawAmiss(drawing, 'late')
    if (this.#asLines.has('lost')) this.#drawAmiss(drawing, 'lost')
  }

  /** The flight whose line is nearest to the pointer, if one is near. */
  at(x: number, y: number, { scale, layout }: Pick<Drawing, 'scale' | 'layout'>): number | undefined {
    let nearest: number | undefined
    let distance = POINTER_REACH
    for (const flights of this.#drawn) {
      for (const flight of flights) {
        const away = this.#distance(flight, x, y, scale, layout)
        if (away < distance) [nearest, distance] = [flight, away]
      }
    }
    return nearest
  }

  isLost(flight: number): boolean {
    return Number.isNaN(value(this.#model.arrivedAt, flight))
  }

  isLate(flight: number): boolean {
    return value(this.#model.arrivedAt, flight) - value(this.#model.sentAt, flight) > LATE_MICROS
  }

  /** Gives room to the lines of one class after the other. */
  #choose(scale: Scale): void {
    const { punctual, amiss } = this.#model
    let left = scale.width * LINES_PER_PIXEL
    const take = (flights: Uint32Array, layers: readonly Layer[]): Uint32Array => {
      if (flights.length === 0 || flights.length > left) return NONE
      left -= flights.length
      for (const layer of layers) this.#asLines.add(layer)
      return flights
    }
    this.#asLines = new Set()
    const shown = amiss.filter((flight) => this.#isShown(flight) && this.#isIn(flight, scale))
    this.#drawn = [take(shown, ['lost', 'late'])]
    for (const [index, kind] of FLIGHT_CLASSES.entries()) {
      const isOpen = this.layers.has(kind) && (this.#model.facts.onlyDensity[kind] ?? 0) === 0
      this.#drawn.push(isOpen ? take(this.#between(punctual[index] ?? NONE, scale), [kind]) : NONE)
    }
  }

  /** Of a class that is switched off, what was lost or late is not shown either. */
  #isShown(flight: number): boolean {
    const kind = FLIGHT_CLASSES[value(this.#model.columns.flightClass, flight)] ?? 'frame'
    return this.layers.has(kind) && this.layers.has(this.isLost(flight) ? 'lost' : 'late')
  }

  #between(flights: Uint32Array, { from, to }: Scale): Uint32Array {
    const { sentAt } = this.#model
    const first = firstFlightFrom(flights, sentAt, from - LATE_MICROS)
    return flights.subarray(first, firstFlightFrom(flights, sentAt, to))
  }

  #isIn(flight: number, { from, to }: Scale): boolean {
    const sent = value(this.#model.sentAt, flight)
    const arrived = value(this.#model.arrivedAt, flight)
    return sent <= to && (Number.isNaN(arrived) ? sent >= from - LOST_MICROS : arrived >= from)
  }

  #drawLines(
    { surface, scale, palette, layout, lane }: Drawing,
    flights: Uint32Array | undefined,
    kind: FlightClass,
  ): void {
    const { context } = surface
    const { sentAt, arrivedAt, columns } = this.#model
    context.strokeStyle = palette[kind]
    context.lineWidth = kind === 'heartbeat' ? 0.7 : 1.1
    for (const isBroughtOut of [false, true]) {
      context.globalAlpha = lane === undefined || isBroughtOut ? 0.85 : 0.25
      context.beginPath()
      for (const flight of flights ?? []) {
        const [from, to] = [value(columns.flightFrom, flight), value(columns.flightTo, flight)]
        if ((from === lane || to === lane) !== isBroughtOut) continue
        context.moveTo(scale.x(value(sentAt, flight)), layout.y(from))
        context.lineTo(scale.x(value(arrivedAt, flight)), layout.y(to))
      }
      context.stroke()
    }
    context.globalAlpha = 1
  }

  #drawAmiss({ surface, scale, palette, layout }: Drawing, kind: 'lost' | 'late'): void {
    const { context } = surface
    context.strokeStyle = palette[kind]
    context.lineWidth = 1.2
    context.setLineDash(kind === 'lost' ? [4, 3] : [])
    context.beginPath()
    const ends: [number, number][] = []
    for (const flight of this.#drawn[0] ?? []) {
      if (this.isLost(flight) !== (kind === 'lost')) continue
      const { x1, y1, x2, y2 } = this.#line(flight, scale, layout)
      context.moveTo(x1, y1)
      context.lineTo(x2, y2)
      if (kind === 'lost') ends.push([x2, y2])
    }
    context.stroke()
    context.setLineDash([])
    context.beginPath()
    for (const [x, y] of ends) cross(context, x, y, 2.5)
    context.stroke()
  }

  #line(flight: number, scale: Scale, layout: LaneLayout) {
    const { columns, sentAt, arrivedAt } = this.#model
    const sent = value(sentAt, flight)
    const [y1, end] = [layout.y(value(columns.flightFrom, flight)), layout.y(value(columns.flightTo, flight))]
    if (!this.isLost(flight)) return { x1: scale.x(sent), y1, x2: scale.x(value(arrivedAt, flight)), y2: end }
    return { x1: scale.x(sent), y1, x2: scale.x(sent + LOST_MICROS * LOST_SHARE), y2: y1 + (end - y1) * LOST_SHARE }
  }

  #distance(flight: number, x: number, y: number, scale: Scale, layout: LaneLayout): number {
    const { x1, y1, x2, y2 } = this.#line(flight, scale, layout)
    const [dx, dy] = [x2 - x1, y2 - y1]
    const length = dx * dx + dy * dy
    const share = length === 0 ? 0 : Math.min(1, Math.max(0, ((x - x1) * dx + (y - y1) * dy) / length))
    return Math.hypot(x - x1 - share * dx, y - y1 - share * dy)
  }
}

const NONE = new Uint32Array()

export function cross(context: CanvasRenderingContext2D, x: number, y: number, arm: number): void {
  context.moveTo(x - arm, y - arm)
  context.lineTo(x + arm, y + arm)
  context.moveTo(x - arm, y + arm)
  context.lineTo(x + arm, y - arm)
}
