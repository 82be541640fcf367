// The Transport of one process in the simulated network. It does to a peer what libp2p and gossipsub do, and worse:
// messages published before a subscription is known are lost, gossip is lost and doubled on each hop, streams hang on
// blocked links, connections break and are dialled again with back-off.
//
// sim/conformance/ holds this model against real libp2p and gossipsub.
import { crc32 } from 'node:zlib'
import { SessionMeshError } from '../../crdt/errors.ts'
import { hash128, toHex } from '../../crdt/hash.ts'
import {
  GOSSIP_BYTES_MAX,
  REQUEST_BYTES_MAX,
  REQUEST_TIMEOUT_DEFAULT_MS,
  type PeerId,
  type RequestHandler,
  type RequestOptions,
  type TopicHandler,
  type Transport,
  type TransportEvents,
  type Unsubscribe,
} from '../../transport/port.ts'
import { Listeners } from '../../transport/listeners.ts'
import { Dialer } from './dialer.ts'
import { MILLION } from './dice.ts'
import { MS, type Micros } from './loop.ts'
import type { Connection, Endpoint } from './network.ts'
import { isMuted, type Wiring } from './tier.ts'
import { Neighbours } from './neighbours.ts'
import { RecentMessages, Seen, type Message } from './recent-messages.ts'
import type { FlightKind } from './traffic.ts'

/** Neighbours to which a message is passed on: gossipsub's D. */
const FORWARD_MAX = 6
/** What a subscription takes to be known at the other end, beside the way there: FIELD.md finding 5. */
const SUBSCRIBE_MAX: Micros = 110 * MS
/** How often gossipsub offers what it remembers. */
const OFFER_INTERVAL: Micros = 1_000 * MS
/** Signing, encoding and handing out one message. */
const PUBLISH_COST: Micros = 200
/** How long after the first copy a second one may come: past any memory of the first. */
const DUPLICATE_MAX: Micros = 130 * 1_000 * MS
const GOSSIP_OVERHEAD_BYTES = 200
/** A hop takes as long as the longest of so many trips: a real one waits behind what went before it on its connection. */
const GOSSIP_TRIPS = 3

interface Pending {
  readonly connection: Connection
  fail(error: SessionMeshError): void
}

export class SimTransport implements Transport, Endpoint {
  readonly self: PeerId
  readonly machine: string
  readonly #options: Wiring
  readonly #listeners: Listeners
  readonly #dialer: Dialer
  readonly #neighbours = new Neighbours()
  readonly #topics = new Map<string, TopicHandler>()
  readonly #protocols = new Map<string, RequestHandler>()
  readonly #pending = new Set<Pending>()
  readonly #recent = new RecentMessages()
  #isRunning = false

  constructor(seed: Uint8Array, options: Wiring) {
    const { machine, process, network } = options
    this.self = `sim-${toHex(hash128(seed)).slice(0, 12)}` as PeerId
    this.machine = machine
    this.#options = options
    this.#listeners = new Listeners((error) => {
      throw error
    })
    this.#dialer = new Dialer({
      process,
      network,
      self: this,
      isConnected: (to) => this.#neighbours.isConnectedTo(to),
      onConnected: (connection, other) => {
        this.#opened(other as SimTransport, connection)
        ;(other as SimTransport).#opened(this, connection)
      },
    })
  }

  get isDown(): boolean {
    return !this.#isRunning || !this.#options.process.isAlive
  }

  get isFrozen(): boolean {
    return this.#options.process.isFrozen
  }

  async start(): Promise<void> {
    if (this.#isRunning) return
    this.#isRunning = true
    this.#options.network.attach(this)
    for (const machine of this.#options.bootstrap) this.#dialer.learn(machine)
  }

  async stop(): Promise<void> {
    if (!this.#isRunning) return
    this.#isRunning = false
    this.#dialer.stop()
    this.#options.network.detach(this)
    this.#options.network.died(this)
    for (const pending of this.#pending) pending.fail(unreachable('this transport was stopped'))
  }

  addresses(): readonly string[] {
    return [`/sim/${this.machine}`]
  }

  async publish(topic: string, bytes: Uint8Array): Promise<number> {
    if (bytes.length > GOSSIP_BYTES_MAX) throw tooLarge('gossip', bytes.length, GOSSIP_BYTES_MAX)
    if (this.isDown) return 0
    const { trace, network, process } = this.#options
    const checksum = crc32(bytes)
    trace.add(network.loop.now, this.machine, 'gossip', '', topic, checksum)
    const message = {
      topic,
      from: this.self,
      bytes,
      checksum,
      origin: this,
      seen: new Seen(this),
      expected: new Map(),
    }
    this.#recent.add(message, network.loop.now)
    const recipients = this.#neighbours.subscribers(topic)
    const count = recipients.length
    if (!isMuted(topic, this.#options.gossipsChanges)) {
      for (const { other, connection } of recipients) this.#hop(message, other, connection)
    }
    await new Promise<void>((resolve) => process.after(PUBLISH_COST, resolve))
    return count
  }

  subscribe(topic: string, handler: TopicHandler): Unsubscribe {
    if (this.#topics.has(topic)) throw taken(`topic ${topic}`)
    this.#topics.set(topic, handler)
    for (const other of this.#neighbours.all()) this.#tell(other, [topic], true)
    return () => {
      if (this.#topics.get(topic) !== handler) return
      this.#topics.delete(topic)
      for (const other of this.#neighbours.all()) this.#tell(other, [topic], false)
    }
  }

  async request(peer: PeerId, protocol: string, bytes: Uint8Array, options: RequestOptions = {}): Promise<Uint8Array> {
    if (bytes.length > REQUEST_BYTES_MAX) throw tooLarge('request', bytes.length, REQUEST_BYTES_MAX)
    const timeoutMs = options.timeoutMs ?? REQUEST_TIMEOUT_DEFAULT_MS
    return await new Promise<Uint8Array>((resolve, reject) => {
      const cancel = this.#options.process.clock.setTimer(timeoutMs, () =>
        reject(new SessionMeshError('REQUEST_TIMEOUT', `${protocol} to ${peer}`)),
      )
      this.#ask(peer, protocol, bytes).then(resolve, reject).finally(cancel)
    })
  }

  handle(protocol: string, handler: RequestHandler): void {
    if (this.#protocols.has(protocol)) throw taken(`protocol ${protocol}`)
    this.#protocols.set(protocol, handler)
  }

  peers(): readonly PeerId[] {
    return this.#isRunning ? [...this.#neighbours.all()].map(({ self }) => self) : []
  }

  learn(peer: PeerId, addresses: readonly string[]): void {
    for (const address of addresses) {
      const machine = /^\/sim\/([\w.-]+)$/.exec(address)?.[1]
      if (machine !== undefined) this.#dialer.learn(machine, peer)
    }
  }

  on<E extends keyof TransportEvents>(event: E, listener: TransportEvents[E]): Unsubscribe {
    return this.#listeners.on(event, listener)
  }

  closed(connection: Connection): void {
    const other = connection.other(this) as SimTransport
    this.#options.process.enter(() => {
      for (const pending of this.#pending) {
        if (pending.connection === connection) pending.fail(unreachable('the connection broke'))
      }
      if (this.#neighbours.connection(other) !== connection) return
      this.#neighbours.remove(other)
      // An older or newer process of the same peer may still be connected.
      if (this.isDown || this.#neighbours.connectionTo(other.self) !== undefined) return
      this.#listeners.peerDown(other.self)
      this.#dialer.lost(other.machine)
    })
  }

  #opened(other: SimTransport, connection: Connection): void {
    const isFirst = this.#neighbours.connectionTo(other.self) === undefined
    this.#neighbours.add(other, connection)
    this.#options.process.enter(() => {
      if (this.isDown || this.#neighbours.connection(other) !== connection) return
      this.#dialer.reached(other.machine)
      if (isFirst) this.#listeners.peerUp(other.self)
      this.#tell(other, [...this.#topics.keys()], true)
    })
  }

  /** Tells a neighbour which topics this peer wants; until that has arrived it gets nothing of them. */
  #tell(other: SimTransport, topics: readonly string[], wants: boolean): void {
    const connection = this.#neighbours.connection(other)
    if (connection === undefined || topics.length === 0) return
    const { process, dice } = this.#options
    process.after(dice.below(SUBSCRIBE_MAX), () => {
      connection.send(this, topics.length * 16, () => other.#heardSubscription(this, topics, wants))
    })
  }

  #heardSubscription(of: SimTransport, topics: readonly string[], wants: boolean): void {
    this.#options.process.enter(() => {
      if (this.isDown || !this.#neighbours.has(of)) return
      for (const topic of topics) {
        if (!wants) this.#neighbours.unsubscribe(of, topic)
        else if (this.#neighbours.subscribe(of, topic)) this.#listeners.subscribed(of.self, topic)
      }
      if (wants) this.#offer(of, topics)
    })
  }

  /**
   * A peer that restarts may be sent again what its process before has heard. Gossipsub also offers what was missed, but
   * only in luck: it is not counted on, so the model never does.
   */
  #offer(to: SimTransport, topics: readonly string[]): void {
    const { process, dice, network } = this.#options
    if (dice.chance(MILLION / 2)) return
    process.after(dice.below(OFFER_INTERVAL), () => {
      const connection = this.#neighbours.connection(to)
      // Most have no process before them.
      if (connection === undefined || !network.wasRestarted(to.machine)) return
      for (const message of this.#recent.heardBefore(to, network.loop.now)) {
        if (topics.includes(message.topic)) this.#hop(message, to, connection)
      }
    })
  }

  /** Sends a message over one hop: it may be lost, and it may come twice. */
  #hop(message: Message, to: SimTransport, connection: Connection): void {
    const { network, trace, traffic, process } = this.#options
    const link = connection.way(this)
    const bytes = message.bytes.length + GOSSIP_OVERHEAD_BYTES
    if (link.losesGossip()) {
      trace.add(network.loop.now, this.machine, 'lost', to.machine, message.topic)
      traffic.lost(traffic.sent(network.loop.now, 'gossip', this.machine, to.machine, message.topic, bytes))
      return
    }
    const send = (deliver: () => void) => this.#send('gossip', message.topic, connection, bytes, deliver)
    message.expected.set(
      to,
      send(() => to.#arrived(message)),
    )
    if (link.duplicatesGossip()) {
      const later = this.#options.dice.below(DUPLICATE_MAX)
      process.after(later, () => {
        if (!network.isSettled) send(() => to.#deliver(message))
      })
    }
  }

  #arrived(message: Message): void {
    if (message.seen.has(this)) return
    message.seen.add(this)
    this.#deliver(message)
  }

  #deliver(message: Message): void {
    this.#options.process.enter(() => {
      const handler = this.#topics.get(message.topic)
      // A process that has been restarted may be sent what it said itself before.
      if (this.isDown || handler === undefined || message.from === this.self) return
      const { trace, network } = this.#options
      trace.add(network.loop.now, this.machine, 'heard', message.origin.machine, message.topic, message.checksum)
      this.#recent.add(message, network.loop.now)
      const { topic, from, bytes } = message
      if (handler({ topic, from, bytes }) === 'accept') this.#forward(message)
    })
  }

  /** Passes a message on to neighbours that have not had it and will not have it sooner otherwise. */
  #forward(message: Message): void {
    const { network } = this.#options
    let left = FORWARD_MAX
    for (const { other, connection } of this.#neighbours.subscribers(message.topic)) {
      if (left === 0) return
      if (other === message.origin || message.seen.has(other)) continue
      const soonest = network.loop.now + connection.way(this).quality.latencyMin
      left--
      if ((message.expected.get(other) ?? Infinity) > soonest) this.#hop(message, other, connection)
    }
  }

  async #ask(peer: PeerId, protocol: string, bytes: Uint8Array): Promise<Uint8Array> {
    if (this.isDown) throw unreachable('this transport is not running')
    const connection = this.#neighbours.connectionTo(peer) ?? (await this.#dialled(peer))
    const other = connection.other(this) as SimTransport
    const { trace, network } = this.#options
    trace.add(network.loop.now, this.machine, 'request', other.machine, protocol, bytes.length)
    return await new Promise<Uint8Array>((resolve, reject) => {
      const pending = {
        connection,
        fail: (error: SessionMeshError) => {
          this.#pending.delete(pending)
          reject(error)
        },
      }
      this.#pending.add(pending)
      if (!connection.isOpen) return pending.fail(unreachable('the connection broke'))
      const answered = (answer: Uint8Array | undefined) => {
        this.#options.process.enter(() => {
          this.#pending.delete(pending)
          if (answer === undefined) reject(unreachable(`${protocol} was not answered`))
          else resolve(answer)
        })
      }
      const serve = () => other.#serve(protocol, this, connection, bytes, answered)
      this.#send('request', protocol, connection, bytes.length, serve)
    })
  }

  async #dialled(peer: PeerId): Promise<Connection> {
    await this.#dialer.reach(peer)
    const connection = this.#neighbours.connectionTo(peer)
    if (connection === undefined) throw unreachable(`${peer} could not be reached`)
    return connection
  }

  /** Runs the handler and sends its answer back; undefined where libp2p would close the stream. */
  #serve(
    protocol: string,
    from: SimTransport,
    connection: Connection,
    bytes: Uint8Array,
    answered: (answer: Uint8Array | undefined) => void,
  ): void {
    this.#options.process.enter(() => {
      const handler = this.#protocols.get(protocol)
      const reply = (answer: Uint8Array | undefined) => {
        const { trace, network } = this.#options
        trace.add(network.loop.now, this.machine, 'response', from.machine, protocol, answer?.length ?? 0)
        this.#send('response', protocol, connection, answer?.length ?? 0, () => answered(answer))
      }
      if (this.isDown || handler === undefined) return reply(undefined)
      handler(from.self, bytes).then(reply, () => reply(undefined))
    })
  }

  /** Sends over a connection, and notes the flight for who wants to draw it. */
  #send(kind: FlightKind, about: string, connection: Connection, bytes: number, deliver: () => void): Micros {
    const { network, traffic } = this.#options
    const flight = traffic.sent(network.loop.now, kind, this.machine, connection.other(this).machine, about, bytes)
    const arrive = () => {
      traffic.arrived(flight, network.loop.now)
      deliver()
    }
    return connection.send(this, bytes, arrive, kind === 'gossip' ? GOSSIP_TRIPS : 1)
  }
}

function unreachable(reason: string): SessionMeshError {
  return new SessionMeshError('PEER_UNREACHABLE', reason)
}

function taken(what: string): SessionMeshError {
  return new SessionMeshError('INVALID_ARGUMENT', `${what} has a handler already`)
}

function tooLarge(what: string, size: number, limit: number): SessionMeshError {
  return new SessionMeshError('MESSAGE_TOO_LARGE', `${what} of ${size} bytes; the limit is ${limit}`)
}
