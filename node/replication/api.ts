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
  /** Sessions whose shard root is equal on all live replicas, as last heard. */
  syncedCount(): number
}
