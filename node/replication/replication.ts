// Replication: the outbox, the inbox, acknowledgements and anti-entropy of one peer, and when each of them acts.
import { SessionMeshError, shardOf } from '../../crdt/index.ts'
import type { PeerId, Transport } from '../../transport/port.ts'
import type { PeerConfig } from '../config.ts'
import type { Membership } from '../membership/membership.ts'
import type { ReplicaSets } from '../membership/replica-sets.ts'
import type { MemberChange } from '../membership/view.ts'
import type { Cancel, Clock } from '../ports/clock.ts'
import type { Catalog } from '../sessions/catalog.ts'
import type { Entry } from '../sessions/entry.ts'
import { every } from '../util/timers.ts'
import { Absent } from './absent.ts'
import { AckLedger } from './acked.ts'
import { Acknowledger } from './acknowledger.ts'
import type { Counters } from './counters.ts'
import type {
  OnSyncProgress,
  PageOptions,
  Replication as ReplicationApi,
  ReplicationStatus,
  ShardStatus,
  SyncProgress,
  UnderReplicated,
} from './api.ts'
import { DurabilityWaiters, type Copies, type ResolvedWriteOptions, type Write } from './durability.ts'
import { serveExchange, type ExchangeOptions } from './exchange-server.ts'
import { Fetching, type Answers } from './fetching.ts'
import { Following } from './following.ts'
import { Handover, type Handed, type Handing } from './handover.ts'
import type { OwnHoldings } from './holdings.ts'
import { Inbox, type Missing } from './inbox.ts'
import { LettingGo } from './letting-go.ts'
import { Outbox } from './outbox.ts'
import { Overview } from './overview.ts'
import { Rebalance } from './rebalance.ts'
import { Reconciliation } from './reconciliation.ts'
import { RepairSchedule } from './repair.ts'
import { Topics } from './topics.ts'

/** When an unacknowledged frame is taken for lost, and repaired: see AckLedger.lost. */
const LOST = { overtakenMs: 250, silentMs: 1_500 }
const LOST_CHECK_MS = 100

export interface ReplicationOptions {
  readonly transport: Transport
  readonly clock: Clock
  readonly boot: string
  readonly config: PeerConfig
  readonly catalog: () => Catalog
  readonly membership: Membership
  readonly sets: ReplicaSets
  readonly holdings: OwnHoldings
  readonly allowed: (peer: PeerId) => boolean
  readonly counters: Counters
  readonly onError: (error: unknown) => void
}

/** What exists only between start and stop. */
interface Parts {
  readonly exchange: ExchangeOptions
  readonly outbox: Outbox
  readonly inbox: Inbox
  readonly repair: RepairSchedule
  readonly topics: Topics
  readonly rebalance: Rebalance
  readonly lettingGo: LettingGo
  readonly fetching: Fetching
}

export class Replication implements ReplicationApi {
  readonly #options: ReplicationOptions
  readonly #ledger: AckLedger
  readonly #waiters: DurabilityWaiters
  readonly #following: Following
  readonly #overview: Overview
  readonly #absent: Absent
  readonly sync: Reconciliation
  readonly validateConsistency: ReplicationApi['validateConsistency'] = (options) => this.sync.validate(options)
  readonly reconcile: ReplicationApi['reconcile'] = (options) => this.sync.reconcile(options)
  readonly #cancels: Cancel[] = []
  #parts: Parts | undefined

  constructor(options: ReplicationOptions) {
    this.#options = options
    const { clock, membership, holdings } = options
    this.#ledger = new AckLedger(() => clock.monotonic())
    this.#absent = new Absent((peer, shard) => holdings.isShared(shard, membership.get(peer)?.info.holdings))
    this.#waiters = new DurabilityWaiters({
      ledger: this.#ledger,
      clock,
      self: () => options.transport.self,
      replicasOf: (shard) => options.sets.of(shard),
    })
    this.#following = new Following({
      clock,
      isKept: (shard) => options.holdings.replicates(shard),
      onTurn: (shard) => this.#parts?.rebalance.turn(shard),
    })
    this.sync = new Reconciliation({
      ...options,
      ...options.config,
      ledger: this.#ledger,
      following: this.#following,
      parts: () => this.#parts,
      onCompared: (peer, shards) => this.#parts?.rebalance.compared(peer, shards),
    })
    this.#overview = new Overview({
      ...options,
      ledger: this.#ledger,
      waiters: this.#waiters,
      absent: this.#absent,
      differing: () => this.#parts?.repair.differingShards() ?? new Set(),
    })
  }

  start(): void {
    const { clock, membership, sets } = this.#options
    const parts = this.#assemble()
    this.#parts = parts
    this.#serve(parts)
    this.#cancels.push(
      sets.events.on('changed', () => this.#setsChanged()),
      membership.events.on('change', (change) => this.#memberChanged(change)),
      every(clock, LOST_CHECK_MS, () => this.#repairLost(clock.monotonic())),
      parts.repair.start(),
      parts.rebalance.start(),
      () => parts.topics.stop(),
      () => this.#following.stop(),
    )
  }

  stop(): void {
    for (const cancel of this.#cancels.splice(0)) cancel()
  }

  #assemble(): Parts {
    const { transport, clock, boot, config, membership, sets, holdings, allowed, counters, onError } = this.#options
    const catalog = this.#options.catalog()
    const { refuse } = counters
    const following = this.#following
    const acknowledger = new Acknowledger(transport)
    acknowledger.handle(
      (from, ack) => {
        if (ack.boot !== boot || !this.#ledger.acknowledge(from, ack.shard, ack.seq, ack.from)) return
        this.#waiters.acknowledged(ack.shard, ack.seq)
        this.#parts?.outbox.pump()
      },
      (from) => refuse('malformed-acks', '', from, 'not protobuf'),
    )
    const topics: Topics = new Topics({
      transport,
      receive: (shard, message) => inbox.receive(shard, message),
      onTurn: (shard) => inbox.forgetShard(shard),
    })
    const inbox = new Inbox({
      catalog,
      shardCount: config.shardCount,
      allowed,
      refuse,
      interest: (shard) => topics.interest(shard),
      isFollowed: (session) => following.isFollowed(session),
      acknowledge: (origin, ack) => acknowledger.send(origin, ack),
      onGap: (origin, shard, missing) => this.#onGap(origin, shard, missing),
      onFrame: (updates) => counters.received(updates),
    })
    const exchange = { transport, catalog, ledger: this.#ledger, inbox, sets, holdings, boot, refuse }
    const shared = { exchange, clock, membership, following, shardCount: config.shardCount, onError }
    const lettingGo = new LettingGo(shared)
    const expectsOthers = config.bootstrap.length > 0 || config.mdns
    const onCompared = () => this.#recheck()
    const onEqual = (peer: PeerId, equal: readonly number[]) => this.#absent.compared(peer, equal)
    const rebalance = new Rebalance({ ...shared, topics, lettingGo, expectsOthers, onEqual, onCompared })
    const repair = new RepairSchedule({
      ...shared,
      syncIntervalMs: config.syncIntervalMs,
      onCompared: (peer, shards) => rebalance.compared(peer, shards),
      onDone: () => {
        counters.exchanges++
        this.#recheck()
      },
      onNews: () => this.#announce(),
    })
    const fetching = new Fetching(shared)
    return { exchange, outbox: this.#makeOutbox(topics), inbox, repair, topics, rebalance, lettingGo, fetching }
  }

  #serve({ exchange }: Parts): void {
    const { allowed } = this.#options
    serveExchange({
      ...exchange,
      allowed,
      onNews: () => this.#announce(),
      onPushed: (session) => {
        const entry = exchange.catalog.get(session)
        if (entry !== undefined) this.#following.setCopy(entry, false)
      },
    })
  }

  /** Takes a local change up for publishing. */
  publish(entry: Entry, update: Uint8Array, onDisk: Promise<void>): Write {
    const write: Write = { session: entry.id, shard: entry.shard, onDisk, sequence: undefined, onOwnDisk: false }
    this.#following.setCopy(entry, false)
    this.#parts?.outbox.add({ write, update })
    return write
  }

  /** What writers must wait for, if anything: the outbox is overfull. */
  room(): Promise<void> | undefined {
    return this.#parts?.outbox.room()
  }

  wait(write: Write, options: ResolvedWriteOptions): Promise<Copies> {
    return this.#waiters.wait(write, options)
  }

  /** Somebody has the session open here from now on, until `close`: it is followed if it is not kept. */
  open(session: string): void {
    this.#following.open(session, shardOf(session, this.#options.config.shardCount))
  }

  close(session: string): void {
    this.#following.close(session)
  }

  /** Peers that should keep the shard, best claim first. */
  replicasOf(shard: number): readonly PeerId[] {
    return this.#options.sets.of(shard).all
  }

  /** Whether what is here of the session can be served without asking anybody. */
  isCurrent(session: string): boolean {
    const shard = shardOf(session, this.#options.config.shardCount)
    if (this.#options.holdings.isCurrent(shard)) return true
    // What is followed may have been forgotten here, tombstone and all, when others still know it.
    return this.#following.isFresh(session) && this.#options.catalog().get(session) !== undefined
  }

  /** Brings the session here from its replicas; whether anybody knew it. @throws SESSION_UNAVAILABLE */
  async bring(session: string): Promise<boolean> {
    return (await this.#parts?.fetching.bring(session)) ?? false
  }

  /** Asks everyone who may hold the session, and takes in what they have beyond what is here. See Fetching.gather. */
  async gather(session: string, timeoutMs: number, isEnough: (answers: Answers) => boolean): Promise<Answers> {
    return (await this.#parts?.fetching.gather(session, timeoutMs, isEnough)) ?? new Map()
  }

  /** Whether most of the live replicas have answered, this peer among them if it is one. */
  isMajority(session: string, answers: Answers): boolean {
    const { sets, config } = this.#options
    const { all, self, others } = sets.of(shardOf(session, config.shardCount))
    const heard = others.filter((peer) => (answers.get(peer) ?? 'silent') !== 'silent').length
    return heard + (self ? 1 : 0) > all.length / 2
  }

  /** A session's content as its replicas have it, as updates; undefined if nobody knows it. @throws SESSION_UNAVAILABLE */
  async peek(session: string): Promise<readonly Uint8Array[] | undefined> {
    return await this.#parts?.fetching.peek(session)
  }

  status(): ReplicationStatus {
    return this.#overview.status()
  }

  lag(): number {
    return this.#overview.lag()
  }

  progress(): SyncProgress {
    return this.#overview.progress()
  }

  shards(): ShardStatus[] {
    return this.#overview.shards()
  }

  /** Whether a live peer has this shard otherwise, as last heard. */
  differs(shard: number): boolean {
    return this.#parts?.repair.differingShards().has(shard) ?? false
  }

  underReplicated(options: PageOptions = {}): UnderReplicated {
    return this.#overview.underReplicated(options)
  }

  syncedCount(): number {
    return this.#overview.syncedCount()
  }

  async forceSync(onProgress: OnSyncProgress = () => {}): Promise<SyncProgress> {
    return this.#parts === undefined ? { done: 0, total: 0 } : this.sync.forceTransfer('all', { onProgress })
  }

  async ensureSynced(
    options: { readonly timeoutMs?: number; readonly onProgress?: OnSyncProgress } = {},
  ): Promise<SyncProgress> {
    await this.sync.ensure(options)
    return this.progress()
  }

  /** @throws what `handing.assertWanted` throws */
  async handOver(handing: Handing): Promise<Handed> {
    const parts = this.#parts
    if (parts === undefined) throw new SessionMeshError('PEER_NOT_RUNNING', 'the peer has not joined the mesh yet')
    await this.#options.catalog().journal.flush()
    return new Handover({ ...this.#options, exchange: parts.exchange, following: this.#following }, handing).run()
  }

  /** From now on nothing is let go. */
  keepCopies(): void {
    this.#parts?.lettingGo.pause()
  }

  /** With digests that show the news, or nobody would know from the heartbeat that there are any. */
  #announce(): void {
    const { catalog, membership, onError } = this.#options
    void catalog()
      .settle()
      .then(() => membership.announce(), onError)
  }

  #makeOutbox(topics: Topics): Outbox {
    const { transport, clock, boot, counters, onError } = this.#options
    return new Outbox({
      transport,
      clock,
      boot,
      ledger: this.#ledger,
      topicOf: (shard) => topics.topic(shard),
      congested: (shard) => this.#congested(shard),
      onUngossiped: (shard) => {
        for (const peer of this.#ledger.replicasOf(shard)) this.#parts?.repair.request(peer, [shard])
      },
      onFrame: (shard, updates) => {
        counters.published(updates)
        this.#absent.published(shard, updates)
      },
      onError,
    })
  }

  /** Only who has caught up holds others up; and a suspect does not: membership will soon say whether it lives. */
  #congested(shard: number): boolean {
    const { membership, sets, config } = this.#options
    return sets.of(shard).others.some((peer) => {
      const isBehind = this.#ledger.pendingFrames(peer) >= config.maxPendingSyncs || this.#ledger.outpaces(peer)
      if (!isBehind) return false
      const member = membership.get(peer)
      return member?.status === 'alive' && member.info.holdings.get(shard)?.state === 'complete'
    })
  }

  /** What waits is asked of its writer session by session; what is missing, by comparing the shard. */
  #onGap(origin: PeerId, shard: number, { gap, waiting }: Missing): void {
    const { holdings } = this.#options
    if (waiting.length > 0) this.#parts?.repair.request(origin, [], waiting)
    // A shard that is being acquired is compared as a whole anyway.
    if (gap && holdings.state(shard) !== 'acquiring') this.#parts?.repair.request(origin, [shard])
  }

  #recheck(): void {
    this.#waiters.recheck()
    this.#parts?.outbox.pump()
  }

  /** Who acknowledges what has changed: a write may have all its copies now, or must wait for others. */
  #setsChanged(): void {
    const { config, sets } = this.#options
    for (let shard = 0; shard < config.shardCount; shard++) {
      this.#ledger.setReplicas(shard, sets.acknowledging(shard))
    }
    this.#recheck()
  }

  #memberChanged(change: MemberChange): void {
    const { membership, clock } = this.#options
    this.#absent.memberChanged(change, membership.get(change.peer)?.info.holdings, clock.now())
    if (change.rebooted || change.to === 'dead' || change.to === 'left') this.#ledger.forget(change.peer)
    if (change.to === 'left') this.#parts?.inbox.forget(change.peer)
    this.#setsChanged()
    if (change.to === 'alive' && (change.rebooted || change.from !== 'suspect')) {
      this.#parts?.repair.request(change.peer, this.#allShards())
    }
  }

  #allShards(): number[] {
    return Array.from({ length: this.#options.config.shardCount }, (_, shard) => shard)
  }

  #repairLost(now: number): void {
    for (const peer of this.#ledger.replicas()) {
      if (this.#options.membership.get(peer)?.status !== 'alive') continue
      const shards = this.#ledger.lost(peer, now, LOST)
      if (shards.length > 0) this.#parts?.repair.request(peer, shards)
    }
    this.#parts?.outbox.pump()
  }
}
