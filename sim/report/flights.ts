// The traffic of a run as columns: every flight while there are few; of many, those worth a line, and the density of
// all. What is worth a line: what was lost or late, changes, repairs, acknowledgements, and last heartbeats.
import type { Flight, Traffic } from '../world/traffic.ts'
import type { Micros } from '../world/loop.ts'
import { FLIGHT_CLASSES, LATE_MICROS, NEVER, type FlightClass } from './page/data.ts'

/** More lines than this make the page slow to open: they are 20 bytes each before packing, about 6 after. */
const FLIGHTS_MAX = 800_000
/** Bins of the density over the whole run. */
const BINS_MAX = 6_000
const COUNT_MAX = 0xffff
const WAYS = ['gossip', 'request', 'response'] as const

export interface PackedFlights {
  readonly columns: Readonly<Record<FlightColumn | 'density', number[]>>
  readonly densityMicros: Micros
  readonly onlyDensity: Partial<Record<FlightClass, number>>
  readonly totals: Record<FlightClass | 'lost' | 'late', number>
}

const FLIGHT_COLUMNS = [
  'flightSent',
  'flightTook',
  'flightFrom',
  'flightTo',
  'flightClass',
  'flightWay',
  'flightLost',
  'flightBytes',
  'flightAbout',
] as const
type FlightColumn = (typeof FLIGHT_COLUMNS)[number]

export interface PackOptions {
  readonly lanes: ReadonlyMap<string, number>
  readonly end: Micros
  /** Numbers a text. */
  readonly text: (text: string) => number
  /** @default FLIGHTS_MAX */
  readonly flightsMax?: number
}

export function packFlights(traffic: Traffic, options: PackOptions): PackedFlights {
  const { lanes, end, text, flightsMax = FLIGHTS_MAX } = options
  const densityMicros = Math.max(1_000, Math.ceil(end / BINS_MAX))
  const bins = Math.ceil(end / densityMicros) + 1
  const density = Array.from({ length: 2 * FLIGHT_CLASSES.length * lanes.size * bins }, () => 0)
  const { totals, hasRoom } = count(traffic, flightsMax)
  const rows = Object.fromEntries(FLIGHT_COLUMNS.map((name): [FlightColumn, number[]] => [name, []])) as Record<
    FlightColumn,
    number[]
  >
  const onlyDensity: Partial<Record<FlightClass, number>> = {}
  let last = 0
  for (const flight of traffic.flights()) {
    const kind = classOf(flight)
    const [from, to] = [lanes.get(flight.from) ?? 0, lanes.get(flight.to) ?? 0]
    const row = FLIGHT_CLASSES.indexOf(kind) + (isMissing(flight) ? FLIGHT_CLASSES.length : 0)
    const bin = (row * lanes.size + from) * bins + Math.floor(flight.sentAt / densityMicros)
    density[bin] = Math.min(COUNT_MAX, (density[bin] ?? 0) + 1)
    if (!hasRoom.has(groupOf(flight))) {
      onlyDensity[kind] = (onlyDensity[kind] ?? 0) + 1
      continue
    }
    rows.flightSent.push(flight.sentAt - last)
    last = flight.sentAt
    rows.flightTook.push(flight.arrivedAt === undefined ? NEVER : flight.arrivedAt - flight.sentAt)
    rows.flightFrom.push(from)
    rows.flightTo.push(to)
    rows.flightClass.push(FLIGHT_CLASSES.indexOf(kind))
    rows.flightWay.push(WAYS.indexOf(flight.kind))
    rows.flightLost.push(flight.isLost ? 1 : 0)
    rows.flightBytes.push(flight.bytes)
    rows.flightAbout.push(text(flight.about))
  }
  return { columns: { ...rows, density }, densityMicros, onlyDensity, totals }
}

/** How many there are of what, and which groups of them find room as lines. */
function count(traffic: Traffic, flightsMax: number) {
  const totals = { frame: 0, repair: 0, ack: 0, heartbeat: 0, lost: 0, late: 0 }
  const groups = new Map<string, number>()
  for (const flight of traffic.flights()) {
    totals[classOf(flight)]++
    if (isMissing(flight)) totals.lost++
    else if (isLate(flight)) totals.late++
    const group = groupOf(flight)
    groups.set(group, (groups.get(group) ?? 0) + 1)
  }
  const hasRoom = new Set<string>()
  let left = flightsMax
  for (const group of GROUPS) {
    const size = groups.get(group) ?? 0
    if (size > left) continue
    left -= size
    hasRoom.add(group)
  }
  return { totals, hasRoom }
}

/** Flights that find room together or not at all, the most telling first. */
const GROUPS = [
  ...FLIGHT_CLASSES.slice(0, 3).map((kind) => `${kind} amiss`),
  ...FLIGHT_CLASSES.slice(0, 3),
  'heartbeat amiss',
  'heartbeat',
]

function groupOf(flight: Flight): string {
  return isMissing(flight) || isLate(flight) ? `${classOf(flight)} amiss` : classOf(flight)
}

/** Lost on the way, given up with its connection, or still on its way at the end. */
function isMissing({ arrivedAt }: Flight): boolean {
  return arrivedAt === undefined
}

function isLate({ sentAt, arrivedAt }: Flight): boolean {
  return arrivedAt !== undefined && arrivedAt - sentAt > LATE_MICROS
}

function classOf({ kind, about }: Flight): FlightClass {
  if (about === 'members' || about === 'ping') return 'heartbeat'
  if (about === 'acks') return 'ack'
  return kind === 'gossip' ? 'frame' : 'repair'
}
