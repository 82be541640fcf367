// What is on its way between machines, for who wants to draw it. Not part of the trace: nothing of it is hashed, and
// without `keep` nothing of it is kept. In columns, because a long run of many peers has ten million of them.
import type { Micros } from './loop.ts'

export type FlightKind = 'gossip' | 'request' | 'response'

/** One message over one hop. */
export interface Flight {
  readonly kind: FlightKind
  readonly from: string
  readonly to: string
  /** Topic of gossip, protocol of a request or response. */
  readonly about: string
  readonly bytes: number
  readonly sentAt: Micros
  /** Undefined: lost on the way, kept back by a block, or still on its way at the end. */
  readonly arrivedAt: Micros | undefined
  readonly isLost: boolean
}

/** The protocol by which peers swap heartbeats. */
const PING = 'ping'
/** Names a flight that nobody keeps. */
const NOT_KEPT = -1
const NEVER = -1
const LOST = -2
const KINDS: readonly FlightKind[] = ['gossip', 'request', 'response']
/** Numbers of each flight: kind, from, to, about, bytes. */
const FIELDS = 5
const CAPACITY_FIRST = 4_096

/** What was sent so far, counted. */
export interface Totals {
  readonly messages: number
  readonly bytes: number
  /** Of those bytes, what went over direct streams and is no heartbeat: comparing and sending what differs. */
  readonly repairBytes: number
}

/** Whether flights are remembered, only counted, or neither. */
export type Keep = boolean | 'totals'

export class Traffic {
  readonly #isKept: boolean
  readonly #isCounted: boolean
  readonly #totals = { messages: 0, bytes: 0, repairBytes: 0 }
  #count = 0
  #fields = new Uint32Array()
  /** When it left, and when it arrived. */
  #times = new Float64Array()
  readonly #names: string[] = []
  readonly #numbers = new Map<string, number>()

  /** @param keep whether to remember flights */
  constructor(keep: Keep) {
    this.#isKept = keep === true
    this.#isCounted = keep === 'totals'
  }

  get count(): number {
    return this.#count
  }

  /** Something leaves. Returns its number, for `arrived` and `lost`. */
  sent(at: Micros, kind: FlightKind, from: string, to: string, about: string, bytes: number): number {
    if (this.#isCounted) this.#add(bytes, kind !== 'gossip' && about !== PING)
    if (!this.#isKept) return NOT_KEPT
    const flight = this.#count++
    if (flight * 2 >= this.#times.length) this.#grow()
    const field = flight * FIELDS
    this.#fields[field] = KINDS.indexOf(kind)
    this.#fields[field + 1] = this.#number(from)
    this.#fields[field + 2] = this.#number(to)
    this.#fields[field + 3] = this.#number(about)
    this.#fields[field + 4] = bytes
    this.#times[flight * 2] = at
    this.#times[flight * 2 + 1] = NEVER
    return flight
  }

  arrived(flight: number, at: Micros): void {
    if (flight !== NOT_KEPT) this.#times[flight * 2 + 1] = at
  }

  lost(flight: number): void {
    if (flight !== NOT_KEPT) this.#times[flight * 2 + 1] = LOST
  }

  /** Every flight, in the order of leaving. */
  *flights(): Generator<Flight> {
    for (let flight = 0; flight < this.#count; flight++) {
      const [kind = 0, from = 0, to = 0, about = 0, bytes = 0] = this.#fields.subarray(flight * FIELDS)
      const [sentAt = 0, arrivedAt = NEVER] = this.#times.subarray(flight * 2)
      yield {
        kind: KINDS[kind] ?? 'gossip',
        from: this.#name(from),
        to: this.#name(to),
        about: this.#name(about),
        bytes,
        sentAt,
        arrivedAt: arrivedAt < 0 ? undefined : arrivedAt,
        isLost: arrivedAt === LOST,
      }
    }
  }

  totals(): Totals {
    return { ...this.#totals }
  }

  #add(bytes: number, isRepair: boolean): void {
    this.#totals.messages++
    this.#totals.bytes += bytes
    if (isRepair) this.#totals.repairBytes += bytes
  }

  #number(name: string): number {
    const known = this.#numbers.get(name)
    if (known !== undefined) return known
    this.#numbers.set(name, this.#names.length)
    return this.#names.push(name) - 1
  }

  #name(number: number): string {
    return this.#names[number] ?? ''
  }

  #grow(): void {
    const capacity = Math.max(CAPACITY_FIRST, this.#times.length)
    const [fields, times] = [this.#fields, this.#times]
    this.#fields = new Uint32Array(capacity * FIELDS)
    this.#fields.set(fields)
    this.#times = new Float64Array(capacity * 2)
    this.#times.set(times)
  }
}
