// Replication: the outbox, the inbox, acknowledgements and anti-entropy of one peer, and when each of them acts.
import { SessionMeshError } from '../../crdt/errors.ts'
import type { PeerId, Transport } from '../../transport/port.ts'
import type { Receipt, ReplicaStatus, Replication as ReplicationApi, ReplicationStatus, SyncProgress } from '../api.ts'
import type { PeerConfig } from '../config.ts'
import type { Membership } from '../membership/membership.ts'
import type { ReplicaSets } from '../membership/replica-sets.ts'
import type { MemberChange } from '../membership/view.ts'
import type { Cancel, Clock } from '../ports/clock.ts'
import type { Catalog } from '../sessions/catalog.ts'
import type { Entry } from '../sessions/entry.ts'
import { every, until } from '../util/timers.ts'
import { AckLedger } from './acked.ts'
import { Acknowledger } from './acknowledger.ts'
import type { Counters } from './counters.ts'
import { DurabilityWaiters, type ResolvedWriteOptions, type Write } from './durability.ts'
import { serveExchange } from './exchange-server.ts'
import { fetchSession } from './exchange.ts'
import { Inbox } from './inbox.ts'
import { Outbox } from './outbox.ts'
import { RepairSchedule } from './repair.ts'

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
  readonly allowed: (peer: PeerId) => boolean
  readonly counters: Counters
  readonly onError: (error: unknown) => void
}

export class Replication implements ReplicationApi {
  readonly #options: ReplicationOptions
  readonly #ledger = new AckLedger()
  readonly #waiters: DurabilityWaiters
  readonly #cancels: Cancel[] = []
  #outbox: Outbox | undefined
  #repair: RepairSchedule | undefined

  constructor(options: ReplicationOptions) {
    this.#options = options
    this.#waiters = new DurabilityWaiters({
      ledger: this.#ledger,
      clock: options.clock,
      self: () => options.transport.self,
      replicasOf: (shard) => options.sets.of(shard),
    })
  }

  start(): void {
    const { transport, clock, boot, config, membership, sets, allowed, counters, onError } = this.#options
    const catalog = this.#options.catalog()
    const refuse = counters.refuse
    const acknowledger = new Acknowledger(transport)
    const inbox = new Inbox({
      catalog,
      shardCount: config.shardCount,
      allowed,
      refuse,
      acknowledge: (origin, ack) => acknowledger.send(origin, ack),
      onGap: (origin, shard) => this.#repair?.request(origin, [shard]),
      onFrame: (updates) => counters.received(updates),
    })
    // With digests that show the news, or nobody would know from the heartbeat that there are any.
    const announce = () => void catalog.settle().then(() => membership.announce(), onError)
    const exchange = { transport, catalog, ledger: this.#ledger, inbox, boot, refuse }
    const repair = new RepairSchedule({
      exchange,
      clock,
      membership,
      shardCount: config.shardCount,
      syncIntervalMs: config.syncIntervalMs,
      onDone: () => {
        counters.exchanges++
        this.#recheck()
      },
      onNews: announce,
      onError,
    })
    this.#repair = repair
    this.#outbox = this.#makeOutbox()
    serveExchange({ ...exchange, allowed, onNews: announce })
    acknowledger.handle(
      (from, ack) => {
        if (ack.boot !== boot || !this.#ledger.acknowledge(from, ack.shard, ack.seq, ack.from)) return
        this.#waiters.acknowledged(ack.shard, ack.seq)
        this.#outbox?.pump()
      },
      (from) => refuse('malformed-acks', '', from, 'not protobuf'),
    )
    for (let shard = 0; shard < config.shardCount; shard++) {
      this.#cancels.push(transport.subscribe(this.#topic(shard), (message) => inbox.receive(shard, message)))
    }
    this.#cancels.push(
      sets.events.on('changed', () => this.#setsChanged()),
      membership.events.on('change', (change) => this.#memberChanged(change, inbox)),
      every(clock, LOST_CHECK_MS, () => this.#repairLost(clock.monotonic())),
      repair.start(),
    )
  }

  stop(): void {
    for (const cancel of this.#cancels.splice(0)) cancel()
  }

  /** Takes a local change up for publishing. */
  publish(entry: Entry, update: Uint8Array, onDisk: Promise<void>): Write {
    const write: Write = { session: entry.id, shard: entry.shard, onDisk, sequence: undefined, onOwnDisk: false }
    this.#outbox?.add({ write, update })
    return write
  }

  /** What writers must wait for, if anything: the outbox is overfull. */
  room(): Promise<void> | undefined {
    return this.#outbox?.room()
  }

  wait(write: Write, options: ResolvedWriteOptions): Promise<Receipt> {
    return this.#waiters.wait(write, options)
  }

  /** Asks the live peers for a session that is not held here. Whether anyone had it. */
  async fetch(session: string): Promise<boolean> {
    const repair = this.#repair
    if (repair === undefined) return false
    const answers = await Promise.allSettled(
      this.#ledger.replicas().map((peer) => fetchSession(repair.exchangeOptions, peer, session)),
    )
    return answers.some((answer) => answer.status === 'fulfilled' && answer.value)
  }

  status(): ReplicationStatus {
    const { counters } = this.#options
    return {
      syncState: this.#isSynced() ? 'synced' : 'syncing',
      replicas: this.#replicas(),
      pendingWrites: this.#waiters.size,
      ...counters.snapshot(),
      parked: this.#options.catalog().parkedUpdates,
    }
  }

  lag(): number {
    return Math.max(0, ...this.#replicas().map((replica) => replica.lagMs))
  }

  progress(): SyncProgress {
    const total = this.#options.catalog().size
    return { done: this.syncedCount(), total }
  }

  async forceSync(onProgress?: (progress: SyncProgress) => void): Promise<SyncProgress> {
    const peers = this.#ledger.replicas()
    let done = 0
    onProgress?.({ done, total: peers.length })
    for (const peer of peers) {
      await this.#repair?.now(peer)
      done++
      onProgress?.({ done, total: peers.length })
    }
    return { done, total: peers.length }
  }

  async ensureSynced(
    options: { timeoutMs?: number; onProgress?: (progress: SyncProgress) => void } = {},
  ): Promise<SyncProgress> {
    const { clock } = this.#options
    await this.#options.catalog().journal.flush()
    await this.forceSync(options.onProgress)
    const timeoutMs = options.timeoutMs ?? 30_000
    const targets = Array.from({ length: this.#options.config.shardCount }, (_, shard) => this.#ledger.last(shard))
    const holds = () =>
      this.#outbox?.waitingBytes === 0 &&
      this.#ledger.replicas().every((peer) => targets.every((seq, shard) => this.#ledger.holds(peer, shard, seq)))
    await until(clock, holds, { timeoutMs, intervalMs: 20, what: 'ensureSynced' }).catch((cause: unknown) => {
      throw new SessionMeshError('REPLICATION_TIMEOUT', `not every replica caught up within ${timeoutMs} ms`, { cause })
    })
    return this.progress()
  }

  /** Whether a live peer has this shard otherwise, as last heard. */
  differs(shard: number): boolean {
    return this.#repair?.differingShards().has(shard) ?? false
  }

  syncedCount(): number {
    const catalog = this.#options.catalog()
    const differing = this.#repair?.differingShards() ?? new Set<number>()
    let synced = 0
    for (const entry of catalog.entries()) {
      if (entry.terminatedAt === undefined && !differing.has(entry.shard)) synced++
    }
    return synced
  }

  #makeOutbox(): Outbox {
    const { transport, clock, boot, counters, onError } = this.#options
    return new Outbox({
      transport,
      clock,
      boot,
      ledger: this.#ledger,
      topicOf: (shard) => this.#topic(shard),
      congested: (shard) => this.#congested(shard),
      onUngossiped: (shard) => {
        for (const peer of this.#ledger.replicasOf(shard)) this.#repair?.request(peer, [shard])
      },
      onFrame: (updates) => counters.published(updates),
      onError,
    })
  }

  #topic(shard: number): string {
    return `shard/${shard}`
  }

  /** A suspect holds nobody up: membership will soon say whether it lives. */
  #congested(shard: number): boolean {
    const { membership, config } = this.#options
    return this.#ledger
      .replicasOf(shard)
      .some(
        (peer) =>
          membership.get(peer)?.status === 'alive' && this.#ledger.pendingFrames(peer) >= config.maxPendingSyncs,
      )
  }

  #recheck(): void {
    this.#waiters.recheck()
    this.#outbox?.pump()
  }

  /** Who acknowledges what has changed: a write may have all its copies now, or must wait for others. */
  #setsChanged(): void {
    const { config, sets } = this.#options
    for (let shard = 0; shard < config.shardCount; shard++) {
      this.#ledger.setReplicas(shard, sets.acknowledging(shard))
    }
    this.#recheck()
  }

  #memberChanged(change: MemberChange, inbox: Inbox): void {
    if (change.rebooted || change.to === 'dead' || change.to === 'left') this.#ledger.forget(change.peer)
    if (change.to === 'left') inbox.forget(change.peer)
    this.#setsChanged()
    if (change.to === 'alive' && (change.rebooted || change.from !== 'suspect')) {
      this.#repair?.request(change.peer, this.#allShards())
    }
  }

  #allShards(): number[] {
    return Array.from({ length: this.#options.config.shardCount }, (_, shard) => shard)
  }

  #repairLost(now: number): void {
    for (const peer of this.#ledger.replicas()) {
      if (this.#options.membership.get(peer)?.status !== 'alive') continue
      const shards = this.#ledger.lost(peer, now, LOST)
      if (shards.length > 0) this.#repair?.request(peer, shards)
    }
    this.#outbox?.pump()
  }

  #replicas(): ReplicaStatus[] {
    const now = this.#options.clock.monotonic()
    return this.#ledger.replicas().map((peer) => ({
      peer,
      name: this.#options.membership.get(peer)?.info.name ?? '',
      pendingFrames: this.#ledger.pendingFrames(peer),
      lagMs: this.#ledger.lagMs(peer, now),
    }))
  }

  #isSynced(): boolean {
    const pending = this.#ledger.replicas().some((peer) => this.#ledger.pendingFrames(peer) > 0)
    return !pending && (this.#repair?.differingShards().size ?? 0) === 0
  }
}
