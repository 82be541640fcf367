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
  readonly seen: Set<SimTransport>
  readonly expected: Map<SimTransport, Micros>
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
      const isOld = [...message.seen].some((process) => process !== by && process.self === by.self)
      return isOld ? [message] : []
    })
  }

  #forget(now: Micros): void {
    while ((this.#recent[0]?.at ?? now) < now - REMEMBERED_FOR) this.#recent.shift()
  }
}
