// One peer's end of the in-memory network. It behaves as the libp2p transport does where a caller can tell: handlers
// run later, receivers own their bytes, a peer never hears itself, and nothing is delivered after stop.

import { SessionMeshError } from '../../crdt/errors.ts'
import { Listeners } from '../listeners.ts'
import {
  GOSSIP_BYTES_MAX,
  type PeerId,
  REQUEST_BYTES_MAX,
  REQUEST_TIMEOUT_DEFAULT_MS,
  type RequestHandler,
  type RequestOptions,
  type TopicHandler,
  type Transport,
  type TransportEvents,
  type Unsubscribe,
} from '../port.ts'
import type { Switchboard } from './network.ts'

interface Pending {
  readonly peer: PeerId
  fail(error: SessionMeshError): void
}

export class MemoryTransport implements Transport {
  readonly self: PeerId
  /** Kept by the switchboard. */
  readonly connected = new Set<PeerId>()
  stopped = false
  #running = false
  readonly #switchboard: Switchboard
  // A listener that throws is a bug of the caller: it surfaces as an unhandled rejection, which fails a test.
  readonly #listeners = new Listeners((error) => queueMicrotask(() => Promise.reject(error)))
  readonly #topics = new Map<string, TopicHandler>()
  readonly #protocols = new Map<string, RequestHandler>()
  readonly #pending = new Set<Pending>()

  constructor(self: PeerId, switchboard: Switchboard) {
    this.self = self
    this.#switchboard = switchboard
  }

  async start(): Promise<void> {
    if (this.#running) return
    this.#running = true
    this.stopped = false
    this.#switchboard.join(this)
  }

  async stop(): Promise<void> {
    if (!this.#running) return
    this.#running = false
    this.stopped = true
    this.#switchboard.leave(this)
    for (const pending of this.#pending) pending.fail(unreachable(pending.peer, 'this transport was stopped'))
  }

  addresses(): readonly string[] {
    return this.#running ? [`/memory/${this.self}`] : []
  }

  async publish(topic: string, bytes: Uint8Array): Promise<number> {
    if (bytes.length > GOSSIP_BYTES_MAX) throw tooLarge('gossip', bytes.length, GOSSIP_BYTES_MAX)
    if (!this.#running) return 0
    const copy = bytes.slice()
    return this.#spread(topic, this.self, copy, new Set<PeerId>([this.self]))
  }

  subscribe(topic: string, handler: TopicHandler): Unsubscribe {
    if (this.#topics.has(topic)) {
      throw new SessionMeshError('INVALID_ARGUMENT', `topic ${topic} has a handler already`)
    }
    this.#topics.set(topic, handler)
    if (this.#running) {
      for (const other of this.#switchboard.neighbours(this)) {
        this.#switchboard.later(() => other.heardSubscription(this.self, topic))
      }
    }
    return () => {
      if (this.#topics.get(topic) === handler) this.#topics.delete(topic)
    }
  }

  async request(peer: PeerId, protocol: string, bytes: Uint8Array, options: RequestOptions = {}): Promise<Uint8Array> {
    if (bytes.length > REQUEST_BYTES_MAX) throw tooLarge('request', bytes.length, REQUEST_BYTES_MAX)
    if (!this.#running) throw unreachable(peer, 'this transport is not running')
    const other = this.#switchboard.linked(this, peer)
    if (other === undefined) throw unreachable(peer, 'no link')
    const timeoutMs = options.timeoutMs ?? REQUEST_TIMEOUT_DEFAULT_MS
    return await new Promise<Uint8Array>((resolve, reject) =>
      this.#ask(other, protocol, bytes.slice(), timeoutMs, resolve, reject),
    )
  }

  handle(protocol: string, handler: RequestHandler): void {
    if (this.#protocols.has(protocol)) {
      throw new SessionMeshError('INVALID_ARGUMENT', `protocol ${protocol} has a handler already`)
    }
    this.#protocols.set(protocol, handler)
  }

  peers(): readonly PeerId[] {
    return this.#running ? [...this.connected] : []
  }

  learn(): void {
    // Every running peer is linked already.
  }

  on<E extends keyof TransportEvents>(event: E, listener: TransportEvents[E]): Unsubscribe {
    return this.#listeners.on(event, listener)
  }

  /** The switchboard connected `other` to this peer. */
  met(other: MemoryTransport): void {
    if (!this.#running || !this.connected.has(other.self)) return
    this.#listeners.peerUp(other.self)
    for (const topic of other.#topics.keys()) this.heardSubscription(other.self, topic)
  }

  parted(peer: PeerId): void {
    for (const pending of this.#pending) if (pending.peer === peer) pending.fail(unreachable(peer, 'link closed'))
    if (this.#running && !this.connected.has(peer)) this.#listeners.peerDown(peer)
  }

  heardSubscription(peer: PeerId, topic: string): void {
    if (this.#running && this.connected.has(peer)) this.#listeners.subscribed(peer, topic)
  }

  /** Hands a message to every subscriber linked to this peer that has not been offered it; how many. */
  #spread(topic: string, from: PeerId, bytes: Uint8Array, offered: Set<PeerId>): number {
    let count = 0
    for (const other of this.#switchboard.neighbours(this)) {
      if (offered.has(other.self) || !other.#topics.has(topic)) continue
      const parcel = { kind: 'gossip', from, to: other.self, topic, bytes } as const
      const sent = this.#switchboard.send(parcel, () => other.#heard(topic, from, bytes, offered))
      if (!sent) continue
      offered.add(other.self)
      count += 1
    }
    return count
  }

  #heard(topic: string, from: PeerId, bytes: Uint8Array, offered: Set<PeerId>): void {
    const handler = this.#topics.get(topic)
    if (!this.#running || handler === undefined) return
    let verdict: 'accept' | 'reject' = 'reject'
    try {
      verdict = handler({ topic, from, bytes: bytes.slice() })
    } catch {
      // Counts as reject, as the port says.
    }
    if (verdict === 'accept') this.#spread(topic, from, bytes, offered)
  }

  #ask(
    other: MemoryTransport,
    protocol: string,
    bytes: Uint8Array,
    timeoutMs: number,
    resolve: (bytes: Uint8Array) => void,
    reject: (error: SessionMeshError) => void,
  ): void {
    const peer = other.self
    const timers = this.#switchboard.timers
    const pending: Pending = {
      peer,
      fail: (error) => {
        settle()
        reject(error)
      },
    }
    const timedOut = (): void => pending.fail(new SessionMeshError('REQUEST_TIMEOUT', `${protocol} to ${peer}`))
    const cancel = timers?.setTimer(timeoutMs, timedOut)
    const settle = (): void => {
      this.#pending.delete(pending)
      cancel?.()
    }
    const lost = (): void => {
      if (timers === undefined) this.#switchboard.later(timedOut)
    }
    const answer = (answered: Uint8Array | undefined): void => {
      if (!this.#pending.has(pending)) return
      if (answered === undefined) return pending.fail(unreachable(peer, `${protocol} was not answered`))
      settle()
      resolve(answered)
    }
    this.#pending.add(pending)
    const asked = { kind: 'request', from: this.self, to: peer, protocol, bytes } as const
    const sent = this.#switchboard.send(asked, () => {
      void other.#serve(protocol, this.self, bytes).then((answered) => {
        const empty = answered ?? new Uint8Array()
        const parcel = { kind: 'response', from: peer, to: this.self, protocol, bytes: empty } as const
        if (!this.#switchboard.send(parcel, () => answer(answered))) lost()
      })
    })
    if (!sent) lost()
  }

  /** The handler's answer, or undefined where libp2p would close the stream. */
  async #serve(protocol: string, from: PeerId, bytes: Uint8Array): Promise<Uint8Array | undefined> {
    const handler = this.#protocols.get(protocol)
    if (!this.#running || handler === undefined) return undefined
    try {
      const answered = await handler(from, bytes)
      return answered.length > REQUEST_BYTES_MAX ? undefined : answered.slice()
    } catch {
      return undefined
    }
  }
}

function unreachable(peer: PeerId, reason: string): SessionMeshError {
  return new SessionMeshError('PEER_UNREACHABLE', `${peer}: ${reason}`)
}

function tooLarge(what: string, size: number, limit: number): SessionMeshError {
  return new SessionMeshError('MESSAGE_TOO_LARGE', `${what} of ${size} bytes; the limit is ${limit}`)
}
