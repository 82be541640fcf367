// What replication says of itself: status, lag, progress, and how each shard is held.
import type { Absent } from './absent.ts'
import type {
  PageOptions,
  ReplicaStatus,
  ReplicationStatus,
  ShardStatus,
  SyncProgress,
  UnderReplicated,
} from './api.ts'
import type { PeerId } from '../../transport/port.ts'
import type { PeerConfig } from '../config.ts'
import type { Membership } from '../membership/membership.ts'
import type { ReplicaSets } from '../membership/replica-sets.ts'
import type { Clock } from '../ports/clock.ts'
import type { Catalog } from '../sessions/catalog.ts'
import type { AckLedger } from './acked.ts'
import type { Counters } from './counters.ts'
import type { DurabilityWaiters } from './durability.ts'
import type { OwnHoldings } from './holdings.ts'
import { Standing } from './standing.ts'

export interface OverviewOptions {
  readonly clock: Clock
  readonly config: PeerConfig
  readonly catalog: () => Catalog
  readonly membership: Membership
  readonly sets: ReplicaSets
  readonly holdings: OwnHoldings
  readonly ledger: AckLedger
  readonly waiters: DurabilityWaiters
  readonly counters: Counters
  readonly absent: Absent
  /** Shards whose root some live peer has otherwise, as last heard. */
  readonly differing: () => ReadonlySet<number>
}

export class Overview {
  readonly #options: OverviewOptions
  readonly #standing: Standing

  constructor(options: OverviewOptions) {
    this.#options = options
    this.#standing = new Standing({ ...options, shardCount: options.config.shardCount })
  }

  status(): ReplicationStatus {
    const { counters, waiters, catalog, absent, membership } = this.#options
    return {
      syncState: this.#isSynced() ? 'synced' : 'syncing',
      replicas: this.#replicas(),
      underReplicated: this.#standing.count(),
      absent: absent.list((peer) => membership.get(peer)?.info.name ?? ''),
      pendingWrites: waiters.size,
      ...counters.snapshot(),
      parked: catalog().parkedUpdates,
    }
  }

  lag(): number {
    return Math.max(0, ...this.#replicas().map((replica) => replica.lagMs))
  }

  progress(): SyncProgress {
    return { done: this.syncedCount(), total: this.#options.catalog().size }
  }

  underReplicated(options: PageOptions): UnderReplicated {
    return this.#standing.underReplicated(options)
  }

  syncedCount(): number {
    const differing = this.#options.differing()
    let synced = 0
    for (const entry of this.#options.catalog().entries()) {
      if (entry.terminatedAt === undefined && !differing.has(entry.shard)) synced++
    }
    return synced
  }

  shards(): ShardStatus[] {
    const { config, catalog, holdings, membership, sets } = this.#options
    const own = holdings.announced()
    return Array.from({ length: config.shardCount }, (_, shard) => {
      const state: ShardStatus['state'] = own.get(shard)?.state ?? 'none'
      const stateOf = (peer: PeerId): ShardStatus['state'] =>
        membership.isSelf(peer) ? state : (membership.get(peer)?.info.holdings.get(shard)?.state ?? 'none')
      const replicas = sets.of(shard).all.map((peer) => ({ peer, state: stateOf(peer) }))
      return { shard, state, sessions: catalog().entriesOf(shard).size, replicas }
    })
  }

  #replicas(): ReplicaStatus[] {
    const { clock, ledger, membership } = this.#options
    const now = clock.monotonic()
    return ledger.replicas().map((peer) => ({
      peer,
      name: membership.get(peer)?.info.name ?? '',
      pendingFrames: ledger.pendingFrames(peer),
      lagMs: ledger.lagMs(peer, now),
    }))
  }

  #isSynced(): boolean {
    const { ledger, differing } = this.#options
    return ledger.replicas().every((peer) => ledger.pendingFrames(peer) === 0) && differing().size === 0
  }
}
