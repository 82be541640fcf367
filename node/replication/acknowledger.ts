// Sends acknowledgements back to their origins: coalesced, one request under way per origin. While it is under way
// newer ones, whose ranges include the older, replace those that wait, so acks cost little however fast frames come.
import type { PeerId, Transport } from '../../transport/port.ts'
import { Acks, type Ack } from '../../transport/wire/messages.js'

const ACKS_PROTOCOL = 'acks'
const ACKS_TIMEOUT_MS = 2_000

export class Acknowledger {
  readonly #transport: Transport
  readonly #waiting = new Map<PeerId, Map<string, Ack>>()
  readonly #sending = new Set<PeerId>()

  constructor(transport: Transport) {
    this.#transport = transport
  }

  /** @param onAck is called for each acknowledgement that comes in */
  handle(onAck: (from: PeerId, ack: Ack) => void, refuse: (from: PeerId) => void): void {
    this.#transport.handle(ACKS_PROTOCOL, async (from, bytes) => {
      let message: Acks
      try {
        message = Acks.decode(bytes)
      } catch {
        refuse(from)
        return new Uint8Array()
      }
      for (const ack of message.acks) onAck(from, ack)
      return new Uint8Array()
    })
  }

  send(origin: PeerId, ack: Ack): void {
    const waiting = this.#waiting.get(origin) ?? new Map<string, Ack>()
    this.#waiting.set(origin, waiting)
    waiting.set(`${ack.boot}/${ack.shard}`, ack)
    if (!this.#sending.has(origin)) void this.#run(origin)
  }

  /**
   * An acknowledgement that fails to arrive is not sent again by itself: the next one covers it, and if there is none
   * the origin notices the overdue frame and starts an exchange.
   */
  async #run(origin: PeerId): Promise<void> {
    this.#sending.add(origin)
    // Frames that became durable in one group commit are acknowledged in one message.
    await Promise.resolve()
    for (let acks = this.#take(origin); acks.length > 0; acks = this.#take(origin)) {
      await this.#transport
        .request(origin, ACKS_PROTOCOL, Acks.encode({ acks }), { timeoutMs: ACKS_TIMEOUT_MS })
        .catch(() => {})
    }
    this.#sending.delete(origin)
  }

  #take(origin: PeerId): Ack[] {
    const waiting = this.#waiting.get(origin)
    this.#waiting.delete(origin)
    return waiting === undefined ? [] : [...waiting.values()]
  }
}
