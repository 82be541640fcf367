// What gossipsub remembers of the messages that went through a process, for a while.
import type { PeerId } from '../../transport/port.ts'
import { SECOND, type Micros } from './loop.ts'
import type { SimTransport } from './transport.ts'

/** One gossiped message, on all its ways. */
export interface Message {
  readonly topic: string
  readonly from: PeerId
  readonly bytes: Uint8Array
  /** By which traces know it again. */
  readonly checksum: number
  readonly origin: SimTransport
  /** Who has had it, and when those to whom it is on its way will have it. */
  readonly seen: Seen
  readonly expected: Map<SimTransport, Micros>
}

/** Processes that have had a message. */
export class Seen {
  readonly #processes: Set<SimTransport>
  readonly #peers: Set<PeerId>

  constructor(origin: SimTransport) {
    this.#processes = new Set([origin])
    this.#peers = new Set([origin.self])
  }

  add(process: SimTransport): void {
    this.#processes.add(process)
    this.#peers.add(process.self)
  }

  has(process: SimTransport): boolean {
    return this.#processes.has(process)
  }

  /** Whether another process of the same peer is among them. */
  hasOther(process: SimTransport): boolean {
    if (!this.#peers.has(process.self)) return false
    return !this.has(process) || [...this.#processes].some((other) => other !== process && other.self === process.self)
  }
}

/** Three heartbeats of gossipsub. */
const REMEMBERED_FOR: Micros = 3 * SECOND

export class RecentMessages {
  /** The oldest first. */
  readonly #recent: { readonly message: Message; readonly at: Micros }[] = []

  add(message: Message, now: Micros): void {
    this.#forget(now)
    this.#recent.push({ message, at: now })
  }

  /** What a process of the same peer before this one has heard. */
  heardBefore(by: SimTransport, now: Micros): Message[] {
    this.#forget(now)
    return this.#recent.flatMap(({ message }) => {
      return message.seen.hasOther(by) ? [message] : []
    })
  }

  #forget(now: Micros): void {
    while ((this.#recent[0]?.at ?? now) < now - REMEMBERED_FOR) this.#recent.shift()
  }
}
