// The SDK's face: what `createPeer()` returns. Types only; docs/SDK.md walks through it.
// Every shape below that is not a live object is plain JSON: the HTTP admin and the CLI pass it on unchanged.
import type * as Y from 'yjs'
import type { PeerId } from '../transport/port.ts'
import type { Reconstruction } from './reconstruction/api.ts'
import type { Adoption, Orphaned, Recovery } from './recovery/api.ts'
import type { PageOptions, Replication, Sync, SyncProgress } from './replication/api.ts'
import type { Snapshots } from './snapshots/api.ts'
import type { StoreAdmin } from './store/api.ts'

/** How many disks a write waits for, self included (DESIGN.md guarantee 1). `memory`: none. `local`: this one. */
export type Durability = 'memory' | 'local' | 'quorum' | 'all' | number
export type Priority = 'critical' | 'high' | 'normal' | 'low'

export interface WriteOptions {
  /** @default the peer's `durability` setting, which defaults to 2 */
  readonly durability?: Durability
  /** Reject with ReplicationTimeoutError instead of resolving degraded. @default false */
  readonly strict?: boolean
  /** How long to wait for the copies before giving up, ms. @default the peer's `writeTimeout` (5000) */
  readonly timeoutMs?: number
}

/** Where a read is answered from: what is here, or what the majority of the live replicas has. */
export type Freshness = 'local' | 'quorum'

/** What a read must show at least: docs/GUARANTEES.md, section 2. */
export interface ReadOptions {
  /** Token of a receipt or of an earlier read: all that was there then, this peer must have before it answers. */
  readonly after?: string
  /** `quorum`: asks all live replicas first, and takes in what they have. @default 'local' */
  readonly freshness?: Freshness
  /** How long to wait for either, ms; at most a minute. @default 5000 */
  readonly timeoutMs?: number
}

/** What a write returns: where it is on disk now. */
export interface Receipt {
  readonly session: string
  /** Disks that hold the write and all it depends on, self included. */
  readonly copies: number
  /** Fewer than asked for, because fewer replicas are alive or the wait timed out. */
  readonly degraded: boolean
  /** Peer ids of those copies. */
  readonly peers: readonly string[]
  /** Stands for the session as it was with this write: `ReadOptions.after` of another peer. */
  readonly token: string
}

/** When a session is to end by itself. Of each: null takes it away. */
export interface ExpiryOptions {
  /** How long it may lie without a write or a touch, ms. */
  readonly ttlMs?: number | null
  /** A time at which it ends in any case, ms since the epoch. */
  readonly expiresAt?: number | null
}

/** What `touch` returns. */
export interface Touched {
  readonly session: string
  /** When the session ends unless it is touched again, at the earliest, ms since the epoch; null: never. */
  readonly dueAt: number | null
  /** Null if there was nothing to write down: the last touch is recent enough, or the session has no ttl. */
  readonly receipt: Receipt | null
}

export interface CreateOptions extends WriteOptions {
  readonly data?: Readonly<Record<string, unknown>>
  /** @default 'normal' */
  readonly priority?: Priority
  /** Peer id that should be home while it is alive. */
  readonly pin?: string
  /** How long it may lie without a write or a touch, ms; null: for ever. @default the peer's `defaultTtlMs` */
  readonly ttlMs?: number | null
  /** A time at which it ends in any case, ms since the epoch. */
  readonly expiresAt?: number | null
}

export type LifecycleState = 'initializing' | 'active' | 'syncing' | 'failover' | 'recovering' | 'terminating'

export interface Transition {
  readonly from: LifecycleState | null
  readonly to: LifecycleState
  /** Wall clock, ms since the epoch. */
  readonly at: number
  readonly cause: string
}

/** A session as data: what `session get --json` prints. */
export interface SessionView {
  readonly id: string
  readonly data: unknown
  /** Other shared types by name, such as the text of an editor. */
  readonly types: Readonly<Record<string, unknown>>
  readonly priority: Priority
  readonly createdAt: number | null
  /** How long it may lie without a write or a touch, ms. */
  readonly ttlMs: number | null
  /** A time at which it ends in any case, ms since the epoch. */
  readonly expiresAt: number | null
  /** When it ends by the two, unless it is touched; at the earliest. */
  readonly dueAt: number | null
  readonly home: string
  /** Peers that should keep it, best claim first. */
  readonly replicas: readonly string[]
  readonly state: LifecycleState
  /** Hexadecimal digest of state vector and delete set: equal documents, equal digest. */
  readonly digest: string
  /** Stands for the session as it is shown here: `ReadOptions.after` of another peer. */
  readonly token: string
  readonly history: readonly Transition[]
}

/** Who is present in a session, at whatever peer: awareness as y-protocols has it. A peer's users go when it dies. */
export interface Presence {
  /** Of this user, among all. */
  readonly id: number
  /** What each user shows, by id, this one's included. */
  states(): ReadonlyMap<number, Readonly<Record<string, unknown>>>
  /** What the others see of this user; null: it is not there. At most 4,096 characters of JSON. @throws INVALID_ARGUMENT */
  set(state: Readonly<Record<string, unknown>> | null): void
  /** Called when `states` has changed. */
  on(listener: () => void): () => void
  /** For doors to other programs: updates as y-protocols encodes them, in and out. Ends with the session's `close`. */
  share(hear: (update: Uint8Array) => void): PresenceChannel
}

/** One who tells of users of a session, and hears of all others. */
export interface PresenceChannel {
  /** @throws Error if it is no awareness update */
  tell(update: Uint8Array): void
  /** All who are present now, as an update. */
  present(): Uint8Array
  close(): void
}

/** An open session: a live document on this peer. */
export interface Session {
  readonly id: string
  /** The live document; changes made to it directly spread too, but `transact` gives a receipt. */
  readonly doc: Y.Doc
  /** `doc.getMap('data')`. */
  readonly data: Y.Map<unknown>
  view(): SessionView
  /** Stands for the session as it is here now: `ReadOptions.after` of another peer. */
  token(): string
  /** Applies `change` in one transaction and waits for the copies asked for. */
  transact(change: (doc: Y.Doc) => void, options?: WriteOptions): Promise<Receipt>
  set(key: string, value: unknown, options?: WriteOptions): Promise<Receipt>
  delete(key: string, options?: WriteOptions): Promise<Receipt>
  /** Pushes its end on, if it has a `ttlMs`. Writes do that by themselves. */
  touch(options?: WriteOptions): Promise<Touched>
  setExpiry(expiry: ExpiryOptions, options?: WriteOptions): Promise<Receipt>
  /** Who has it open, at any peer, and what they show of themselves; never on disk. */
  readonly presence: Presence
  /** Lets the document go back to bytes. Using the session afterwards throws. */
  close(): void
}

export interface SessionsStatus {
  readonly peer: string
  readonly name: string
  readonly boot: string
  readonly sessions: number
  /** Sessions whose home is this peer. */
  readonly homes: number
  /** Sessions here whose home is gone, and that nobody has adopted yet: `orphaned()` tells why. */
  readonly orphaned: number
  readonly replicas: number
  readonly syncState: 'synced' | 'syncing'
  readonly addresses: readonly string[]
  readonly uptimeMs: number
}

export interface SessionSummary {
  readonly id: string
  readonly priority: Priority
  readonly home: string
  readonly state: LifecycleState
  /** When it ends unless it is touched, ms since the epoch; null: never. */
  readonly dueAt: number | null
  readonly digest: string
}

export interface Sessions {
  status(): SessionsStatus
  count(): number
  /** Up to `n` random sessions. */
  sample(n: number): Promise<SessionSummary[]>
  list(filter?: { priority?: Priority; home?: string; limit?: number; after?: string }): Promise<SessionSummary[]>
  /** A given id must be new (SESSION_EXISTS); without one a random id is drawn. */
  create(id?: string, options?: CreateOptions): Promise<{ session: Session; receipt: Receipt }>
  /**
   * @throws SESSION_NOT_FOUND once every live replica was asked, SESSION_TERMINATED; SESSION_BEHIND if what `after`
   *   stands for can't be had in time, SESSION_UNAVAILABLE if the replicas don't answer
   */
  open(id: string, options?: ReadOptions): Promise<Session>
  /** Like `open`, but creates the session if no live replica knows it. */
  openOrCreate(id: string, options?: ReadOptions): Promise<Session>
  get(id: string, options?: ReadOptions): Promise<SessionView>
  terminate(id: string, options?: WriteOptions & ReadOptions): Promise<Receipt>
  /** As `touch` of the open session. */
  touch(id: string, options?: WriteOptions & ReadOptions): Promise<Touched>
  /** Sessions here whose home has died or left, until it is sure that their new home has the latest that is known. */
  orphaned(options?: PageOptions): Orphaned
  /** Makes sure of it now, in the order of recovery; one attempt for each. */
  adoptOrphaned(): Promise<Adoption>
  /** Hash over (id, digest) of every live session here, for comparing two peers: equal content, equal hash. */
  contentHash(): Promise<{ sessions: number; hash: string }>
}

export type MemberStatus = 'alive' | 'suspect' | 'dead' | 'left'

export interface Member {
  readonly peer: string
  readonly name: string
  readonly boot: string
  readonly status: MemberStatus
  readonly self: boolean
  readonly zone: string
  readonly weight: number
  readonly draining: boolean
  readonly delegate: string | null
  readonly addresses: readonly string[]
  /** Sessions it says it holds. */
  readonly sessions: number
  /** Sessions known here whose home it is. */
  readonly homes: number
  /** ms since it was last heard of; 0 for self. */
  readonly silentMs: number
}

/** Sessions of this peer on their way to others. */
export interface HandoverStatus {
  readonly kind: 'graceful' | 'drain'
  /** Peer id of who is to have them; null: everyone, by placement. */
  readonly to: string | null
  readonly state: 'running' | 'done' | 'failed'
  /** Sessions proved to be on the disks of those that are to have them. */
  readonly done: number
  readonly total: number
  /** Of them, those that rest on something lost, so that nobody could take them in: they stay here. */
  readonly refused: number
}

export interface HandoverOptions {
  /** When to give up, ms. */
  readonly timeoutMs?: number
  readonly onProgress?: (progress: SyncProgress) => void
}

export interface FailoverStatus {
  /** Sessions whose home this peer is. */
  readonly homes: number
  readonly delegate: string | null
  readonly draining: boolean
  /** The last `graceful` or `drain` since the peer started. */
  readonly handover: HandoverStatus | null
  /** Known sessions by home: peer id → count. */
  readonly homesByPeer: Readonly<Record<string, number>>
  readonly failovers: number
}

export interface Failover {
  status(): FailoverStatus
  /** Hands every home of this peer to `to` (peer id or name) at once, by announcing a delegate. */
  execute(to: string): Promise<FailoverStatus>
  /**
   * Like `execute`, once every session whose home is here has been proved to be on the disk of `to`, and a snapshot has
   * been taken (if there is a place for snapshots). Gives up after a minute by default; nothing has changed then.
   * @throws FAILOVER_NOT_READY
   */
  graceful(to: string, options?: HandoverOptions & { readonly snapshot?: boolean }): Promise<FailoverStatus>
  /**
   * Hands everything to the others: announces that this peer is to keep nothing and to be home of nothing, and resolves
   * once those that are to keep its sessions instead have each proved that they do. Gives up waiting after five minutes
   * by default, and goes on draining all the same.
   * @throws FAILOVER_NOT_READY
   */
  drain(
    options?: HandoverOptions & {
      /** The peer stops afterwards: what is here stays on its disk for when it comes back. @default false */
      readonly leaving?: boolean
    },
  ): Promise<FailoverStatus>
  /** Withdraws the delegate and ends draining: homes and replicas come back. */
  failback(): Promise<FailoverStatus>
  /**
   * Resolves when every other live member has heard of the present settings, and a handover under way is through.
   * @throws FAILOVER_NOT_READY if that has failed
   */
  completed(options?: { timeoutMs?: number }): Promise<FailoverStatus>
}

export interface HealthCheck {
  readonly healthy: boolean
  readonly checks: readonly { readonly name: string; readonly ok: boolean; readonly detail: string }[]
}

export interface Health {
  check(): { healthy: boolean }
  detailed(): HealthCheck
}

export interface PeerEvents {
  member: (member: Member) => void
  /** Sessions whose home moved here because of one membership change. */
  failover: (event: { from: string; sessions: number; at: number }) => void
  /** How far `failover.graceful` or `failover.drain` is. */
  handover: (event: HandoverStatus) => void
  /** This peer, as its home, has ended a session whose time was over. */
  expired: (event: { session: string; at: number }) => void
  /** Sessions that no other peer knew any more, when this one came back after a long time; they are in that snapshot. */
  setAside: (event: { snapshot: string; sessions: readonly string[] }) => void
  transition: (event: { session: string; transition: Transition }) => void
  /** Something from the network was refused; `reason` as in `ReplicationStatus.refused`. */
  refused: (event: { reason: string; session: string; origin: string; detail: string }) => void
}

export type * from './reconstruction/api.ts'
export type * from './recovery/api.ts'
export type * from './replication/api.ts'
export type * from './snapshots/api.ts'
export type * from './store/api.ts'

export interface Peer {
  readonly id: PeerId
  readonly name: string
  readonly boot: string
  readonly addresses: readonly string[]
  readonly sessions: Sessions
  readonly replication: Replication
  readonly sync: Sync
  readonly failover: Failover
  readonly snapshots: Snapshots
  readonly store: StoreAdmin
  readonly reconstruction: Reconstruction
  readonly recovery: Recovery
  readonly health: Health
  members(): readonly Member[]
  start(): Promise<void>
  /** Announces the leave, waits for writes under way, closes. Idempotent. */
  stop(): Promise<void>
  on<E extends keyof PeerEvents>(event: E, listener: PeerEvents[E]): () => void
}
