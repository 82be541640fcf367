// What `peer.replication` offers. Every answer is plain JSON: the HTTP admin and the CLI pass it on unchanged.

export interface ReplicaStatus {
  readonly peer: string
  readonly name: string
  /** Frames published but not yet on its disk. */
  readonly pendingFrames: number
  /** Age of the oldest of them, ms. */
  readonly lagMs: number
}

/** A peer that keeps sessions of this one, is away, and misses what is written. */
export interface AbsentReplica {
  readonly peer: string
  readonly name: string
  /** When it was declared gone, ms since the epoch. */
  readonly since: number
  /** Whether it is back, and not yet compared with this peer in every shard that both keep. */
  readonly isBack: boolean
  /** Updates of this peer that it has missed; no longer counted once it needs full repair. */
  readonly missedUpdates: number
  /** It has missed so much that nothing of it counts as a copy until all of it has been compared. */
  readonly needsFullRepair: boolean
}

/** A session that fewer live peers hold wholly than should. */
export interface UnderReplicatedSession {
  readonly session: string
  readonly shard: number
  /** Live peers that hold all of its shard, as they say, this one included … */
  readonly copies: number
  /** … and as many as should. */
  readonly wanted: number
  readonly reason: string
}

/** Part of a list in order of id. */
export interface PageOptions {
  /** @default 1000 */
  readonly limit?: number
  /** Only ids after this one. */
  readonly after?: string
}

export interface UnderReplicated {
  /** Of the sessions that are here. */
  readonly count: number
  /** In order of id, the first thousand unless `limit` says otherwise. */
  readonly sessions: readonly UnderReplicatedSession[]
}

export interface ReplicationStatus {
  readonly syncState: 'synced' | 'syncing'
  readonly replicas: readonly ReplicaStatus[]
  /** Sessions here that fewer live peers hold than should: `underReplicated()` tells why. */
  readonly underReplicated: number
  /** Peers that miss what is written here. */
  readonly absent: readonly AbsentReplica[]
  /** Writes waiting for their copies. */
  readonly pendingWrites: number
  readonly framesPublished: number
  readonly framesReceived: number
  readonly updatesPublished: number
  readonly updatesReceived: number
  /** Refused since start, by reason: 'invalid', 'too-large', 'forged-origin', 'malformed-frame', … */
  readonly refused: Readonly<Record<string, number>>
  /** Updates waiting for a dependency. */
  readonly parked: number
  readonly exchanges: number
}

/** How a peer holds a shard: docs/REPLICATION.md says what each state promises. */
export type HeldState = 'acquiring' | 'complete' | 'releasing' | 'partial'

export interface ShardStatus {
  readonly shard: number
  /** This peer's own holding of it. */
  readonly state: HeldState | 'none'
  /** Sessions of it here. */
  readonly sessions: number
  /** Peers that should keep it, as this peer calculates, best claim first, and how far each says it is. */
  readonly replicas: readonly { readonly peer: string; readonly state: HeldState | 'none' }[]
}

export interface SyncProgress {
  readonly done: number
  readonly total: number
}

export type OnSyncProgress = (progress: SyncProgress) => void

export interface InconsistentSession {
  readonly session: string
  /** Names of the replicas that have it otherwise than this peer, or only one of the two has it. */
  readonly peers: readonly string[]
}

/** What a comparison with all other live replicas has found; it has changed nothing. */
export interface ConsistencyReport {
  /** All answered, and all have the same. */
  readonly consistent: boolean
  /** Sessions here. */
  readonly sessions: number
  /** Names of the peers that it was compared with, in the shards that both keep. */
  readonly peers: readonly string[]
  readonly unanswered: readonly string[]
  /** Sessions that differed, and still did a sync interval later. */
  readonly inconsistentCount: number
  /** The first thousand of them, in order of id. */
  readonly inconsistent: readonly InconsistentSession[]
}

export interface ReconcileReport {
  /** Names of the peers that were compared with, in the shards that both keep. */
  readonly peers: readonly string[]
  readonly unanswered: readonly string[]
  /** Peers with which something could not be taken in, on either side. */
  readonly refused: readonly string[]
  /** Sessions that differed, summed over the peers … */
  readonly differing: number
  /** … of which this peer got news, and those that it sent. */
  readonly pulled: number
  readonly pushed: number
}

/** What another peer has not got yet. */
export interface PendingTransfer {
  readonly peer: string
  readonly name: string
  /** Frames that it has not acknowledged, and the age of the oldest. */
  readonly pendingFrames: number
  readonly lagMs: number
  /** Shards that it has otherwise, as last heard. */
  readonly differingShards: readonly number[]
}

export interface SyncStatus {
  readonly syncState: 'synced' | 'syncing'
  /** Peers that something is pending for, the frames of all of them, and the largest lag. */
  readonly pendingCount: number
  readonly frames: number
  readonly lagMs: number
}

/** `peer.sync`: what is on its way to other peers. */
export interface Sync {
  status(): SyncStatus
  pending(): PendingTransfer[]
  /** Compares and repairs now with one live peer (id or name), or `all`. @throws PEER_NOT_FOUND, PEER_UNREACHABLE */
  forceTransfer(to: string, options?: { readonly onProgress?: OnSyncProgress }): Promise<SyncProgress>
}

export interface Replication {
  status(): ReplicationStatus
  /** The largest `lagMs` of any live replica, ms. */
  lag(): number
  progress(): SyncProgress
  /** Every shard: how this peer holds it, and who should. */
  shards(): ShardStatus[]
  /** Sessions here that fewer live peers hold than should, each with the reason. They are seen to, for ever. */
  underReplicated(options?: PageOptions): UnderReplicated
  /** Runs an exchange with every live peer now. */
  forceSync(onProgress?: (progress: SyncProgress) => void): Promise<SyncProgress>
  /** Resolves once every live replica holds what this peer held when called. @throws REPLICATION_TIMEOUT */
  ensureSynced(options?: { timeoutMs?: number; onProgress?: (progress: SyncProgress) => void }): Promise<SyncProgress>
  /** Compares every session here with all other live replicas, and changes nothing. */
  validateConsistency(options?: { readonly onProgress?: OnSyncProgress }): Promise<ConsistencyReport>
  /** The same, and makes both sides equal wherever they differ. */
  reconcile(options?: { readonly onProgress?: OnSyncProgress }): Promise<ReconcileReport>
  /** Sessions whose shard root is equal on all live replicas, as last heard. */
  syncedCount(): number
}
