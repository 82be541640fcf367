// What a report is made of: written by the recorder (sim/report/), read by the page. All times are whole microseconds
// of virtual time, peers are named by the index of their lane.
import type { Columns } from './columns.ts'

export type FlightClass = 'frame' | 'repair' | 'ack' | 'heartbeat'
/** In the order in which they are given room as lines; what finds none is drawn as density. */
export const FLIGHT_CLASSES: readonly FlightClass[] = ['frame', 'repair', 'ack', 'heartbeat']

export type MarkKind = 'start' | 'crash' | 'stop' | 'freeze' | 'thaw' | 'member' | 'home' | 'log' | 'disk'
export const MARK_KINDS: readonly MarkKind[] = [
  'start',
  'crash',
  'stop',
  'freeze',
  'thaw',
  'member',
  'home',
  'log',
  'disk',
]

/** A flight that took longer than this is late. */
export const LATE_MICROS = 1_000_000
/** In `flightTook`: it never arrived. */
export const NEVER = 0xffffffff
/** In `homes` and `differing`: the peer was down. */
export const DOWN = 0xffff

export interface Facts {
  readonly name: string
  readonly seed: string
  readonly verdict: 'ok' | 'violated' | 'vacuous'
  /** The command that does the same again; empty if none is known. */
  readonly replay: string
  readonly traceHash: string
  readonly eventCount: number
  readonly end: number
  /** From the heal to equality; undefined if that was not reached. */
  readonly convergedMs?: number
  readonly operations: Readonly<Record<string, number>>
  readonly peers: readonly PeerFacts[]
  readonly sessions: number
  /** What was drawn or set for the run, by heading. */
  readonly configuration: readonly (readonly [string, string])[]
  readonly phases: readonly { readonly at: number; readonly name: string }[]
  readonly faults: readonly FaultFacts[]
  readonly violations: readonly ViolationFacts[]
  readonly writes: readonly WriteFacts[]
  /** Strings that columns point into. */
  readonly texts: readonly string[]
  readonly sampleMicros: number
  readonly densityMicros: number
  /** Flights of each class that are only in the density: the page would grow too large. */
  readonly onlyDensity: Readonly<Partial<Record<FlightClass, number>>>
  readonly flights: Readonly<Record<FlightClass | 'lost' | 'late', number>>
}

export interface PeerFacts {
  readonly name: string
  readonly zone: string
  readonly inCore: boolean
}

export interface FaultFacts {
  readonly at: number
  /** When it ends; equal to `at` for what is over at once. */
  readonly until: number
  readonly kind: string
  readonly text: string
  /** Lanes that it is about, each with what it is there: the group of a partition, the side of a one-way block. */
  readonly lanes: readonly { readonly lane: number; readonly label: string }[]
}

export interface ViolationFacts {
  readonly at: number
  readonly checker: string
  /** Completes "it is violated when …". */
  readonly violatedWhen: string
  readonly message: string
  readonly lanes: readonly number[]
}

export interface WriteFacts {
  readonly tag: string
  readonly session: string
  readonly kind: string
  readonly client: string
  readonly lane: number
  readonly durability: string
  readonly invokedAt: number
  readonly endedAt: number
  readonly outcome: 'pending' | 'acked' | 'unknown' | 'refused' | 'skipped'
  readonly isDegraded: boolean
  /** Lanes whose disks the receipt names. */
  readonly copies: readonly number[]
  readonly error: string
}

/** Names of the columns, with the kind of number in each. */
export const COLUMNS = {
  /** Flights in the order of leaving; `flightSent` is the time since the one before. */
  flightSent: 'u32',
  flightTook: 'u32',
  flightFrom: 'u16',
  flightTo: 'u16',
  flightClass: 'u8',
  /** 0 gossip, 1 request, 2 response. */
  flightWay: 'u8',
  flightLost: 'u8',
  flightBytes: 'u32',
  /** Topic or protocol, in `texts`. */
  flightAbout: 'u16',
  /** Counts by class (those that arrived, then those that were lost), lane and bin: one long row. */
  density: 'u16',
  markAt: 'f64',
  markLane: 'u16',
  markKind: 'u8',
  markText: 'u32',
  /** A disk gains (1) or loses (0) a write. */
  stepAt: 'f64',
  stepWrite: 'u32',
  stepLane: 'u16',
  stepGain: 'u8',
  /** Samples: by lane and time. */
  lag: 'f32',
  homes: 'u16',
  differing: 'u16',
  /** Samples of the whole: by time. */
  divergent: 'u16',
  underReplicated: 'u16',
  orphaned: 'u16',
} as const

export type ReportColumns = Columns<typeof COLUMNS>
