// The data of the page, indexed for drawing: flights by class and time, life spans per lane, density at every zoom.
import { unpackColumns } from './columns.ts'
import { COLUMNS, FLIGHT_CLASSES, LATE_MICROS, MARK_KINDS, NEVER } from './data.ts'
import type { Facts, MarkKind, ReportColumns } from './data.ts'
import { Density } from './density.ts'
import { byId } from './dom.ts'

/** A stretch of a lane's life. */
export interface LifeSpan {
  readonly state: 'up' | 'frozen'
  readonly from: number
  readonly to: number
}

export class Model {
  readonly facts: Facts
  readonly columns: ReportColumns
  /** When each flight left, and arrived (NaN if it never did). */
  readonly sentAt: Float64Array
  readonly arrivedAt: Float64Array
  /** Flights in the order of leaving: each class's punctual ones, and those that were lost or late. */
  readonly punctual: readonly Uint32Array[]
  readonly amiss: Uint32Array
  readonly density: Density
  readonly life: readonly (readonly LifeSpan[])[]

  constructor(facts: Facts, columns: ReportColumns) {
    this.facts = facts
    this.columns = columns
    const count = columns.flightSent.length
    this.sentAt = new Float64Array(count)
    this.arrivedAt = new Float64Array(count)
    let at = 0
    for (let flight = 0; flight < count; flight++) {
      at += value(columns.flightSent, flight)
      const took = value(columns.flightTook, flight)
      this.sentAt[flight] = at
      this.arrivedAt[flight] = took === NEVER ? Number.NaN : at + took
    }
    const isAmiss = (flight: number) => value(columns.flightTook, flight) > LATE_MICROS
    this.punctual = FLIGHT_CLASSES.map((_, kind) =>
      choose(count, (flight) => value(columns.flightClass, flight) === kind && !isAmiss(flight)),
    )
    this.amiss = choose(count, isAmiss)
    this.density = new Density(columns.density, facts.peers.length, facts.densityMicros)
    this.life = facts.peers.map((_, lane) => lifeOf(lane, facts, columns))
  }

  get lanes(): number {
    return this.facts.peers.length
  }

  peerName(lane: number): string {
    return this.facts.peers[lane]?.name ?? '?'
  }

  markKind(mark: number): MarkKind {
    return MARK_KINDS[value(this.columns.markKind, mark)] ?? 'log'
  }

  markText(mark: number): string {
    return this.facts.texts[value(this.columns.markText, mark)] ?? ''
  }

  /** Index of the sample that holds at `time`. */
  sampleAt(time: number): number {
    const last = this.columns.divergent.length - 1
    return Math.min(last, Math.max(0, Math.floor(time / this.facts.sampleMicros)))
  }

  /** What a sampled column says of a lane. */
  sampled(column: ArrayLike<number>, lane: number, sample: number): number {
    return value(column, lane * this.columns.divergent.length + sample)
  }

  /** Up, frozen, or neither. */
  stateAt(lane: number, time: number): 'up' | 'frozen' | 'down' {
    return this.life[lane]?.findLast(({ from, to }) => from <= time && time < to)?.state ?? 'down'
  }
}

/** The flights that `isChosen`, in their order. */
function choose(count: number, isChosen: (flight: number) => boolean): Uint32Array {
  const chosen = new Uint32Array(count)
  let size = 0
  for (let flight = 0; flight < count; flight++) if (isChosen(flight)) chosen[size++] = flight
  return chosen.slice(0, size)
}

/** A number of a column; 0 outside of it. */
export function value(column: ArrayLike<number>, index: number): number {
  return column[index] ?? 0
}

/** Index of the first of `times` (rising) that is not before `time`. */
export function firstFrom(times: ArrayLike<number>, time: number): number {
  let low = 0
  let high = times.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (value(times, middle) < time) low = middle + 1
    else high = middle
  }
  return low
}

/** The same over flights, by when they left. */
export function firstFlightFrom(flights: Uint32Array, sentAt: Float64Array, time: number): number {
  let low = 0
  let high = flights.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (value(sentAt, value(flights, middle)) < time) low = middle + 1
    else high = middle
  }
  return low
}

function lifeOf(lane: number, facts: Facts, columns: ReportColumns): LifeSpan[] {
  const spans: LifeSpan[] = []
  let state: 'up' | 'frozen' | 'down' = 'down'
  let since = 0
  const turn = (next: typeof state, at: number) => {
    if (state !== 'down' && at > since) spans.push({ state, from: since, to: at })
    state = next
    since = at
  }
  for (let mark = 0; mark < columns.markAt.length; mark++) {
    if (value(columns.markLane, mark) !== lane) continue
    const at = value(columns.markAt, mark)
    const kind = MARK_KINDS[value(columns.markKind, mark)]
    if (kind === 'start' || kind === 'thaw') turn('up', at)
    else if (kind === 'crash') turn('down', at)
    else if (kind === 'freeze') turn('frozen', at)
  }
  turn('down', facts.end)
  return spans
}

export async function readModel(): Promise<Model> {
  const facts = JSON.parse(byId('facts').textContent ?? '') as Facts
  const bytes = await inflate(byId('columns').textContent ?? '')
  return new Model(facts, unpackColumns(COLUMNS, bytes))
}

/** From the text of the page to the bytes that were packed. */
async function inflate(base64: string): Promise<Uint8Array<ArrayBuffer>> {
  const text = atob(base64.trim())
  const packed = new Uint8Array(text.length)
  for (let i = 0; i < text.length; i++) packed[i] = text.charCodeAt(i)
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream('gzip'))
  return new Uint8Array(await new Response(stream).arrayBuffer())
}
