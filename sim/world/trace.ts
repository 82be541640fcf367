// What happened, in order. Every event goes into a running hash, the events themselves are kept only for who wants to
// look at them (a report, a replay). Same seed and version, same hash.

export type EventKind =
  | 'start'
  | 'crash'
  | 'freeze'
  | 'thaw'
  | 'stop'
  | 'fault'
  | 'connect'
  | 'disconnect'
  /** From now on nothing passes from the machine to the subject … */
  | 'block'
  /** … and again. */
  | 'open'
  | 'gossip'
  | 'lost'
  | 'heard'
  | 'request'
  | 'response'
  | 'synced'
  | 'disk'
  | 'invoke'
  | 'ack'
  | 'member'
  | 'home'
  /** A session has ended by itself, or a peer has set it aside. */
  | 'expired'
  | 'aside'
  /** A peer hands sessions over: how far it is. */
  | 'handover'
  /** A peer takes a snapshot, or restores one. */
  | 'snapshot'
  | 'restore'
  | 'log'
  | 'phase'
  | 'violation'

export interface TraceEvent {
  /** Whole microseconds since the start of the world. */
  readonly at: number
  /** Name of the machine, or '' for the world. */
  readonly machine: string
  readonly kind: EventKind
  /** The other machine, for what goes between two; or what the event is about. */
  readonly subject: string
  readonly detail: string
  /** Bytes, count or identifier, by kind; 0 if there is none. */
  readonly number: number
}

export class Trace {
  #high = 0x811c9dc5
  #low = 0x1b873593
  #count = 0
  readonly #kept: TraceEvent[] | undefined
  readonly #listeners: ((event: TraceEvent) => void)[] = []

  /** @param keep whether to remember the events, not only their hash */
  constructor(keep: boolean) {
    this.#kept = keep ? [] : undefined
  }

  get count(): number {
    return this.#count
  }

  /** What was kept; empty without `keep`. */
  get events(): readonly TraceEvent[] {
    return this.#kept ?? []
  }

  onEvent(listener: (event: TraceEvent) => void): void {
    this.#listeners.push(listener)
  }

  add(at: number, machine: string, kind: EventKind, subject = '', detail = '', number = 0): void {
    this.#count++
    this.#mixNumber(at)
    this.#mixNumber(number)
    this.#mixText(machine)
    this.#mixText(kind)
    this.#mixText(subject)
    this.#mixText(detail)
    if (this.#kept === undefined && this.#listeners.length === 0) return
    const event = { at, machine, kind, subject, detail, number }
    this.#kept?.push(event)
    for (const listener of this.#listeners) listener(event)
  }

  /** 16 hexadecimal digits over every event so far, in order. */
  hash(): string {
    return hex(this.#high) + hex(this.#low)
  }

  #mixNumber(value: number): void {
    this.#mix(value >>> 0)
    this.#mix(Math.floor(value / 2 ** 32) >>> 0)
  }

  #mixText(text: string): void {
    for (let i = 0; i < text.length; i++) this.#high = Math.imul(this.#high ^ text.charCodeAt(i), 0x01000193)
    this.#mix(text.length)
  }

  #mix(value: number): void {
    this.#high = Math.imul(this.#high ^ value, 0x85ebca6b)
    this.#high ^= this.#high >>> 13
    this.#low = Math.imul((this.#low << 15) | (this.#low >>> 17), 0x9e3779b1) ^ this.#high
  }
}

function hex(value: number): string {
  return (value >>> 0).toString(16).padStart(8, '0')
}
