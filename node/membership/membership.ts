// Membership: heartbeats out and in, the failure detector's timers and probes, and the view that placement reads.
//
// A closed connection makes a member suspect at once and starts probing it: a process that is gone refuses the
// connection, which is proof enough. Silence alone is judged by phi and then by suspicionTimeout. Gossip carries
// heartbeats around a broken link, so it serves as the indirect probe of SWIM (Das et al., DSN 2002). A pause of this
// very process is noticed and forgiven to the others (the local health of Lifeguard, Dadgar et al. 2018).
import type { Cancel, Clock } from '../ports/clock.ts'
import type { PeerId, Transport, Verdict } from '../../transport/port.ts'
import { Emitter } from '../util/emitter.ts'
import { delay, every } from '../util/timers.ts'
import { decodeHeartbeat, encodeHeartbeat } from './heartbeat.ts'
import { Holders, type Holder } from './holders.ts'
import { homeOf, participants, replicasOf, type Candidate, type ReplicationFactor } from './placement.ts'
import { Rankings } from './rankings.ts'
import { View, type HeartbeatInfo, type Holdings, type MemberChange, type MemberRecord } from './view.ts'

const MEMBERS_TOPIC = 'members'
const PING_PROTOCOL = 'ping'
const TICK_MS = 50
/** A tick this late means that the process, not the network, stood still. */
const STALL_MS = 400
const PING_TIMEOUT_MS = 400
/** Pause between probes of a suspect. */
const PROBE_INTERVAL_MS = 40
/** Probes of a suspect that must fail outright (refused, not just silent) before it is buried early. */
const REFUSALS_TO_BURY = 2
/** Roots and counters that changed are announced at most this often. */
const ANNOUNCE_INTERVAL_MS = 50
/**
 * Suspicions are refuted at most this often. Who suspects this peer again and again (it can't be reached directly, but by
 * way of others) would else make it speak with every change of mind; and several refutations fit into suspicionTimeout.
 */
const REFUTE_INTERVAL_MS = 125

/** The part of a heartbeat that other parts of the peer own. */
export interface Load {
  readonly holdings: Holdings
  readonly sessions: number
}

export interface MembershipOptions {
  readonly transport: Transport
  readonly clock: Clock
  readonly boot: string
  readonly name: string
  readonly zone: string
  readonly weight: number
  readonly shardCount: number
  readonly replicationFactor: ReplicationFactor
  readonly heartbeatIntervalMs: number
  readonly suspicionTimeoutMs: number
  readonly load: () => Load
  readonly allowed: (peer: PeerId) => boolean
  readonly refuse: (reason: string, origin: string, detail: string) => void
  readonly onError: (error: unknown) => void
}

/** What this peer announces of its homes and replicas; see placement.ts. */
export interface Settings {
  readonly delegate: PeerId | null
  readonly heir: PeerId | null
  readonly draining: boolean
}

export interface MembershipEvents {
  /** Somebody's status changed. */
  change: (change: MemberChange) => void
  /** Placement may answer otherwise from now on. */
  view: () => void
  /** A heartbeat came in. */
  heard: (info: HeartbeatInfo) => void
  /** This process had stood still for that long, ms. */
  thawed: (ms: number) => void
}

export class Membership {
  readonly events: Emitter<MembershipEvents>
  readonly #options: MembershipOptions
  readonly #view: View
  readonly #cancels: Cancel[] = []
  readonly #probing = new Set<PeerId>()
  #counter = 0
  #incarnation = 0
  #settings: Settings = { delegate: null, heir: null, draining: false }
  #leaving = false
  #running = false
  #announcing = false
  #refuting = false
  #isRefutedAnew = false
  #lastTick = 0
  #candidates: readonly Candidate[] | undefined
  #factor: ReplicationFactor | undefined
  readonly #rankings = new Rankings()
  readonly #holders = new Holders()
  /** Heartbeat counter from which on the present settings were told, and the counter each peer has answered to. */
  #settingsCounter = 0
  readonly #confirmed = new Map<PeerId, number>()

  constructor(options: MembershipOptions) {
    this.#options = options
    this.#view = new View(options)
    this.events = new Emitter(options.onError)
  }

  start(): void {
    const { transport, clock, heartbeatIntervalMs } = this.#options
    this.#running = true
    this.#lastTick = clock.monotonic()
    transport.handle(PING_PROTOCOL, async (from, bytes) => {
      this.#receive(from, bytes)
      return this.#encode()
    })
    this.#cancels.push(
      transport.subscribe(MEMBERS_TOPIC, ({ from, bytes }) => this.#receive(from, bytes)),
      transport.on('peer:up', (peer) => void this.#ping(peer)),
      transport.on('subscribed', (peer, topic) => {
        if (topic === MEMBERS_TOPIC) void this.#ping(peer)
      }),
      transport.on('peer:down', (peer) => this.#closed(peer)),
      every(clock, heartbeatIntervalMs, () => this.#beat()),
      every(clock, TICK_MS, () => this.#tick()),
    )
    for (const peer of transport.peers()) void this.#ping(peer)
    this.#beat()
  }

  /** Tells everyone that this peer leaves, so that nobody has to suspect it first. */
  async leave(): Promise<void> {
    if (!this.#running) return
    this.#leaving = true
    this.#beat()
    await Promise.all(this.live().map((record) => this.#ping(record.info.peer)))
    this.stop()
  }

  stop(): void {
    this.#running = false
    for (const cancel of this.#cancels.splice(0)) cancel()
  }

  /** Live members but self. */
  live(): readonly MemberRecord[] {
    return this.#view.live()
  }

  records(): MemberRecord[] {
    return [...this.#view.records.values()]
  }

  /** What other peers say that they hold of the shard. */
  holders(shard: number): readonly Holder[] {
    return this.#heldBy().of(shard)
  }

  /** Changes whenever it does which peers hold the shard, or are on the way to that or from it. */
  holderChanges(shard: number): number {
    return this.#heldBy().changes(shard)
  }

  #heldBy(): Holders {
    for (const record of this.#view.takeChanged()) this.#holders.update(record)
    return this.#holders
  }

  get(peer: PeerId): MemberRecord | undefined {
    return this.#view.records.get(peer)
  }

  isSelf(peer: PeerId): boolean {
    return peer === this.#options.transport.self
  }

  get settings(): Settings {
    return this.#settings
  }

  /** Everyone live, self included, as placement sees them. */
  candidates(): readonly Candidate[] {
    const { transport, zone, weight } = this.#options
    const self = { peer: transport.self, zone, weight, ...this.#settings }
    this.#candidates ??= participants<Candidate>([self, ...this.#view.live().map(({ info }) => info)])
    return this.#candidates
  }

  /** Peers that should keep the shard, best claim first; self may be among them. */
  replicasOf(shard: number): readonly PeerId[] {
    const members = this.candidates()
    return replicasOf(this.#rankings.of(shard, members), members, this.factor)
  }

  /** The largest that anybody live asks for: a change of the setting may reach one peer after the other. */
  get factor(): ReplicationFactor {
    this.#factor ??= this.#view
      .live()
      .map(({ info }) => info.factor)
      .reduce(
        (most, factor) => (most === 'all' || factor === 'all' ? 'all' : Math.max(most, factor)),
        this.#options.replicationFactor,
      )
    return this.#factor
  }

  homeOf(shard: number, pin?: string): PeerId {
    const members = this.candidates()
    return homeOf(this.#rankings.of(shard, members), members, pin) ?? this.#options.transport.self
  }

  announceSettings(settings: Partial<Settings>): void {
    this.#settings = { ...this.#settings, ...settings }
    this.#settingsCounter = this.#counter + 1
    this.#viewChanged()
    this.#beat()
    for (const { info } of this.live()) void this.#confirm(info.peer)
  }

  /** Whether every live peer has answered a heartbeat with the present settings. */
  settingsConfirmed(): boolean {
    return this.live().every(
      ({ status, info }) => status !== 'alive' || (this.#confirmed.get(info.peer) ?? 0) >= this.#settingsCounter,
    )
  }

  /** Sends a heartbeat soon, because what it says has changed. */
  announce(): void {
    if (this.#announcing) return
    this.#announcing = true
    this.#options.clock.setTimer(ANNOUNCE_INTERVAL_MS, () => {
      this.#announcing = false
      if (this.#running) this.#beat()
    })
  }

  #self(): HeartbeatInfo {
    const { transport, boot, name, zone, weight, shardCount, replicationFactor } = this.#options
    return {
      peer: transport.self,
      boot,
      counter: this.#counter,
      incarnation: this.#incarnation,
      name,
      zone,
      weight,
      shardCount,
      factor: replicationFactor,
      ...this.#settings,
      leaving: this.#leaving,
      addresses: transport.addresses(),
      suspected: this.#view.suspected(),
      ...this.#options.load(),
    }
  }

  #encode(): Uint8Array {
    this.#counter++
    return encodeHeartbeat(this.#self())
  }

  #beat(): void {
    this.#options.transport.publish(MEMBERS_TOPIC, this.#encode()).catch(this.#options.onError)
  }

  #receive(from: PeerId, bytes: Uint8Array): Verdict {
    if (!this.#running) return 'accept'
    if (!this.#options.allowed(from)) return this.#refuse('stranger', from, 'not in allowedPeers')
    try {
      const known = this.get(from)?.info.holdings
      this.#heard(decodeHeartbeat(bytes, from, this.#options.shardCount, known))
      return 'accept'
    } catch (error) {
      return this.#refuse('malformed-heartbeat', from, error instanceof Error ? error.message : String(error))
    }
  }

  #refuse(reason: string, from: PeerId, detail: string): Verdict {
    this.#options.refuse(reason, from, detail)
    return 'reject'
  }

  #heard(info: HeartbeatInfo): void {
    const { transport, clock } = this.#options
    if (info.peer === transport.self) return
    const heard = this.#view.heard(info, clock.monotonic())
    if (heard === undefined) return
    transport.learn(info.peer, info.addresses)
    if (heard.placementChanged) this.#viewChanged()
    if (heard.change !== undefined) this.#changed(heard.change)
    if (info.suspected.includes(transport.self)) this.#refute()
    this.events.emit('heard', info)
  }

  #refute(): void {
    this.#incarnation++
    this.#isRefutedAnew = this.#refuting
    if (this.#refuting) return
    this.#refuting = true
    this.announce()
    this.#options.clock.setTimer(REFUTE_INTERVAL_MS, () => {
      this.#refuting = false
      if (this.#isRefutedAnew) this.#refute()
    })
  }

  #changed(change: MemberChange): void {
    if (change.to !== 'suspect') this.#viewChanged()
    this.events.emit('change', change)
    // What brought it back may be a heartbeat from before its end that took the long way round: it is asked.
    const isBack = change.from === 'dead' && change.to === 'alive'
    if (change.to === 'suspect' || isBack) void this.#probe(change.peer)
  }

  #viewChanged(): void {
    this.#candidates = undefined
    this.#factor = undefined
    this.events.emit('view', undefined)
  }

  #closed(peer: PeerId): void {
    const change = this.#view.suspect(peer, this.#options.clock.monotonic(), 'connection closed')
    if (change !== undefined) this.#changed(change)
  }

  #tick(): void {
    const now = this.#options.clock.monotonic()
    const stalledMs = now - this.#lastTick - TICK_MS
    this.#lastTick = now
    if (stalledMs > STALL_MS) {
      this.#view.forgive(stalledMs)
      this.#beat()
      this.events.emit('thawed', stalledMs)
      return
    }
    for (const change of this.#view.tick(now)) this.#changed(change)
  }

  /**
   * Asks a suspect directly until it answers, is buried, or was refused often enough to be buried now. Word of it that
   * comes by gossip meanwhile may be from before its end, so it does not stand against a refusal after it.
   */
  async #probe(peer: PeerId): Promise<void> {
    if (this.#probing.has(peer)) return
    this.#probing.add(peer)
    let refusals = 0
    while (this.#running && refusals < REFUSALS_TO_BURY) {
      const heardAt = this.get(peer)?.lastHeard
      const answer = await this.#ping(peer)
      const record = this.get(peer)
      if (record === undefined || record.status === 'dead' || record.status === 'left') break
      if (record.status === 'alive' && answer !== 'refused') break
      refusals = answer === 'refused' && record.lastHeard === heardAt ? refusals + 1 : 0
      if (refusals >= REFUSALS_TO_BURY) this.#bury(peer, 'connection closed and refused')
      else await delay(this.#options.clock, PROBE_INTERVAL_MS)
    }
    this.#probing.delete(peer)
  }

  #bury(peer: PeerId, cause: string): void {
    const changes = [this.#view.suspect(peer, this.#options.clock.monotonic(), cause), this.#view.bury(peer, cause)]
    for (const change of changes) if (change !== undefined) this.#changed(change)
  }

  /** Tells one peer of the present settings until it has answered or is no longer alive. */
  async #confirm(peer: PeerId): Promise<void> {
    while (this.#running && this.get(peer)?.status === 'alive') {
      if ((await this.#ping(peer)) === 'answered') return
      await delay(this.#options.clock, PROBE_INTERVAL_MS)
    }
  }

  /** Swaps heartbeats over a direct stream. */
  async #ping(peer: PeerId): Promise<'answered' | 'refused' | 'silent'> {
    const { transport } = this.#options
    try {
      const heartbeat = this.#encode()
      const told = this.#counter
      const bytes = await transport.request(peer, PING_PROTOCOL, heartbeat, { timeoutMs: PING_TIMEOUT_MS })
      this.#confirmed.set(peer, told)
      this.#receive(peer, bytes)
      return 'answered'
    } catch (error) {
      return error instanceof Error && 'code' in error && error.code === 'PEER_UNREACHABLE' ? 'refused' : 'silent'
    }
  }
}
