// The network between machines: one directed link for each ordered pair, and the connections over them.
//
// A link has a latency, a bandwidth and a loss; faults change its quality, block it or clog it, each direction by
// itself. A connection behaves as TCP does: what meets a blocked link is kept and arrives late once the link is open
// again, unless either side has given the connection up for silence by then; a process that dies closes its
// connections if its machine can still say so.
import type { Dice } from './dice.ts'
import { MS, SECOND, type Loop, type Micros } from './loop.ts'
import type { Trace } from './trace.ts'

export interface LinkQuality {
  /** One way: the floor, and the mean of what comes on top of it. */
  readonly latencyMin: Micros
  readonly latencyMean: Micros
  /** Gossip that is lost on its way; on direct streams a loss costs a retransmission. */
  readonly lossPerMillion: number
  /** Gossip that arrives twice, the second time much later. */
  readonly duplicatePerMillion: number
  /** Bytes a millisecond; 0: without limit. */
  readonly bytesPerMs: number
}

/** A side pings this often, and gives a connection up when nothing has answered for so long: transport/libp2p/limits.ts. */
const PING_INTERVAL = 4 * SECOND
const PING_TIMEOUT = 6 * SECOND
/** Sides that give up in the same beat do so within this. */
const PING_SPREAD = 50 * MS
/** First retransmission of TCP; doubles. */
const RETRANSMIT = 200 * MS
/** What was kept at a blocked link arrives within so long of its opening: the back-off of TCP had grown. */
const RETRANSMIT_MAX = 3 * SECOND

/** One direction between two machines. */
export class Link {
  quality: LinkQuality
  /** What it is without faults. */
  readonly usual: LinkQuality
  /** Faults that block it now. */
  blocks = 0
  blockedSince: Micros = 0
  /** Nothing arrives before this: a clog. */
  cloggedUntil: Micros = 0
  bytes = 0
  /** Open connections between its two machines, the oldest first. */
  connections: readonly Connection[] = []
  #freeAt: Micros = 0
  readonly #dice: Dice

  constructor(quality: LinkQuality, dice: Dice) {
    this.quality = quality
    this.usual = quality
    this.#dice = dice
  }

  /** When `bytes` sent now would arrive, with the link open. */
  arrival(now: Micros, bytes: number): Micros {
    const { latencyMin, latencyMean, bytesPerMs } = this.quality
    const start = Math.max(now, this.#freeAt, this.cloggedUntil)
    if (bytesPerMs > 0) this.#freeAt = start + Math.ceil((bytes * MS) / bytesPerMs)
    this.bytes += bytes
    return Math.max(start, this.#freeAt) + latencyMin + this.#dice.exponential(latencyMean)
  }

  losesGossip(): boolean {
    return this.#dice.chance(this.quality.lossPerMillion)
  }

  duplicatesGossip(): boolean {
    return this.#dice.chance(this.quality.duplicatePerMillion)
  }

  /** What losses cost a direct stream. */
  retransmission(): Micros {
    let delay = 0
    for (let wait = RETRANSMIT; wait < 8 * RETRANSMIT && this.#dice.chance(this.quality.lossPerMillion); wait *= 2) {
      delay += wait
    }
    return delay
  }

  /** How late what was kept comes after the link has opened. */
  afterOpening(now: Micros): Micros {
    return this.#dice.below(Math.min(RETRANSMIT_MAX, Math.max(1, now - this.blockedSince)))
  }
}

/** What the network needs of the process at one end of a connection. */
export interface Endpoint {
  readonly machine: string
  /** Nothing runs there; connections to it are refused. */
  readonly isDown: boolean
  readonly isFrozen: boolean
  /** The connection is gone, as this end sees it. */
  closed(connection: Connection): void
}

interface Parcel {
  readonly deliver: () => void
  readonly trips: number
}

/** A connection between two processes. Either end may have given it up while the other has not noticed yet. */
export class Connection {
  readonly ends: readonly [Endpoint, Endpoint]
  isOpen = true
  /** Whether the network closes it after a silence; else its ends do, by pings of their own. */
  readonly isWatched: boolean
  readonly #network: Network
  /** From either end to the other. */
  readonly #ways: readonly [Link, Link]
  readonly #kept: [Parcel[], Parcel[]] = [[], []]
  /** Nothing sent from this side arrives before: what was kept, or lost and sent again, goes first. */
  readonly #stalledUntil: [Micros, Micros] = [0, 0]

  constructor(network: Network, one: Endpoint, other: Endpoint, isWatched: boolean) {
    this.#network = network
    this.ends = [one, other]
    this.#ways = [network.link(one.machine, other.machine), network.link(other.machine, one.machine)]
    this.isWatched = isWatched
  }

  other(end: Endpoint): Endpoint {
    return end === this.ends[0] ? this.ends[1] : this.ends[0]
  }

  /** The link that leads away from `end`. */
  way(end: Endpoint): Link {
    return this.#ways[this.#side(end)]
  }

  /**
   * Sends from `end` to the other; `deliver` runs when it arrives, if it ever does.
   * @param trips it takes as long as the longest of so many
   * @returns when that will be; Infinity while the link is blocked
   */
  send(end: Endpoint, bytes: number, deliver: () => void, trips = 1): Micros {
    if (!this.isOpen) return Infinity
    const side = this.#side(end)
    const link = this.#ways[side]
    if (link.blocks > 0) {
      this.#kept[side].push({ deliver, trips })
      return Infinity
    }
    const { now } = this.#network.loop
    let at = link.arrival(now, bytes)
    for (let trip = 1; trip < trips; trip++) at = Math.max(at, link.arrival(now, 0))
    const retransmission = link.retransmission()
    at = Math.max(at + retransmission, this.#stalledUntil[side])
    // What is sent after it waits for it.
    if (retransmission > 0) this.#stalledUntil[side] = at
    this.#network.loop.schedule(at, () => this.#arrive(link, end, { deliver, trips }))
    return at
  }

  /** The link from `from` is open again: TCP sends what it kept. */
  reopened(from: string): void {
    for (const end of this.ends) {
      if (end.machine !== from) continue
      const side = this.#side(end)
      const link = this.#ways[side]
      if (this.#kept[side].length === 0) continue
      const { now } = this.#network.loop
      const start = now + link.afterOpening(now)
      for (const parcel of this.#kept[side].splice(0)) {
        let at = start
        for (let trip = 1; trip < parcel.trips; trip++) at = Math.max(at, now + link.afterOpening(now))
        this.#stalledUntil[side] = Math.max(at, this.#stalledUntil[side])
        this.#network.loop.schedule(link.arrival(at, 0), () => this.#arrive(link, end, parcel))
      }
    }
  }

  /** Both ends see it go, `after` from now at the earliest each. */
  close(): void {
    if (!this.isOpen) return
    this.isOpen = false
    this.#kept[0] = []
    this.#kept[1] = []
    this.#network.forget(this)
    for (const end of this.ends) end.closed(this)
  }

  #arrive(link: Link, end: Endpoint, parcel: Parcel): void {
    if (!this.isOpen) return
    // Blocked while it was on its way: it waits with the others.
    if (link.blocks > 0) this.#kept[this.#side(end)].push(parcel)
    else parcel.deliver()
  }

  #side(end: Endpoint): 0 | 1 {
    return end === this.ends[0] ? 0 : 1
  }
}

export class Network {
  readonly loop: Loop
  /** Second copies of gossip don't come any more: what still goes on is the peers' own doing. */
  isSettled = false
  readonly #trace: Trace
  readonly #dice: Dice
  readonly #quality: LinkQuality
  /** By the machine from which they lead, and that to which they do. */
  readonly #links = new Map<string, Map<string, Link>>()
  readonly #connections = new Set<Connection>()
  readonly #endpoints = new Map<string, Endpoint>()
  readonly #attached = new Set<string>()
  readonly #restarted = new Set<string>()

  constructor(loop: Loop, trace: Trace, dice: Dice, quality: LinkQuality) {
    this.loop = loop
    this.#trace = trace
    this.#dice = dice
    this.#quality = quality
  }

  link(from: string, to: string): Link {
    const away = this.#links.get(from) ?? new Map<string, Link>()
    const known = away.get(to)
    if (known !== undefined) return known
    const link = new Link(this.#quality, this.#dice.fork(`${from}>${to}`))
    this.#links.set(from, away)
    away.set(to, link)
    return link
  }

  get connections(): ReadonlySet<Connection> {
    return this.#connections
  }

  /** Who answers at a machine now. */
  endpoint(machine: string): Endpoint | undefined {
    return this.#endpoints.get(machine)
  }

  /** Whether more than one process has run there. */
  wasRestarted(machine: string): boolean {
    return this.#restarted.has(machine)
  }

  attach(endpoint: Endpoint): void {
    if (this.#attached.has(endpoint.machine)) this.#restarted.add(endpoint.machine)
    this.#attached.add(endpoint.machine)
    this.#endpoints.set(endpoint.machine, endpoint)
  }

  detach(endpoint: Endpoint): void {
    if (this.#endpoints.get(endpoint.machine) === endpoint) this.#endpoints.delete(endpoint.machine)
  }

  isBlocked(one: string, other: string): boolean {
    return this.link(one, other).blocks > 0 || this.link(other, one).blocks > 0
  }

  connect(one: Endpoint, other: Endpoint, { isWatched = true } = {}): Connection {
    const connection = new Connection(this, one, other, isWatched)
    this.#connections.add(connection)
    for (const end of connection.ends) {
      const link = connection.way(end)
      link.connections = [...link.connections, connection]
    }
    this.#trace.add(this.loop.now, one.machine, 'connect', other.machine)
    return connection
  }

  forget(connection: Connection): void {
    const [one, other] = connection.ends
    if (!this.#connections.delete(connection)) return
    for (const end of connection.ends) {
      const link = connection.way(end)
      link.connections = link.connections.filter((left) => left !== connection)
    }
    this.#trace.add(this.loop.now, one.machine, 'disconnect', other.machine)
  }

  /** Nothing passes from `from` to `to` until `unblock` has been called as often. */
  block(from: string, to: string): void {
    const link = this.link(from, to)
    link.blocks++
    if (link.blocks > 1) return
    this.#trace.add(this.loop.now, from, 'block', to)
    link.blockedSince = this.loop.now
    const since = link.blockedSince
    for (const connection of link.connections) {
      this.#closeAfterSilence(connection, () => link.blocks > 0 && link.blockedSince === since)
    }
  }

  unblock(from: string, to: string): void {
    const link = this.link(from, to)
    link.blocks--
    if (link.blocks > 0) return
    this.#trace.add(this.loop.now, from, 'open', to)
    for (const connection of link.connections) {
      connection.reopened(from)
      // What TCP sends again to a process that has died meanwhile, its machine answers with a reset.
      if (!connection.ends.some(({ isDown }) => isDown) || this.isBlocked(from, to)) continue
      this.loop.schedule(this.loop.now + link.afterOpening(this.loop.now), () => connection.close())
    }
  }

  /** A connection over which nothing may come back, from now on, is given up in its time. */
  frozen(endpoint: Endpoint): void {
    for (const connection of this.#of(endpoint)) this.#closeAfterSilence(connection, () => endpoint.isFrozen)
  }

  /** A process has died: its machine tells the other ends, over links that are open. */
  died(endpoint: Endpoint): void {
    for (const connection of this.#of(endpoint)) {
      const other = connection.other(endpoint)
      const link = this.link(endpoint.machine, other.machine)
      if (link.blocks === 0) this.loop.schedule(link.arrival(this.loop.now, 0), () => connection.close())
      else this.#closeAfterSilence(connection, () => true)
    }
  }

  /** Every connection between two machines breaks. */
  reset(one: string, other: string): void {
    for (const connection of this.link(one, other).connections) connection.close()
  }

  #closeAfterSilence(connection: Connection, isSilent: () => boolean): void {
    if (!connection.isWatched) return
    // All that started together ping in one beat. So they lose each other together, and dial in step for ever after:
    // real peers do, and it makes the way back longer than if one of many happened to dial in time.
    const nextPing = PING_INTERVAL - (this.loop.now % PING_INTERVAL)
    const patience = nextPing + PING_TIMEOUT + this.#dice.below(PING_SPREAD)
    this.loop.schedule(this.loop.now + patience, () => {
      if (isSilent()) connection.close()
    })
  }

  #of(endpoint: Endpoint): Connection[] {
    return [...this.#connections].filter(({ ends }) => ends.includes(endpoint))
  }
}
