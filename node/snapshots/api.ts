// What `peer.snapshots` offers. Every answer is plain JSON: the HTTP admin and the CLI pass it on unchanged.

export interface SnapshotProgress {
  readonly done: number
  /** As far as it is known: writers go on meanwhile. */
  readonly total: number
}

export type OnSnapshotProgress = (progress: SnapshotProgress) => void

/** A consistent view of the peer's sessions, held in this process until it is persisted or let go. */
export interface SnapshotView {
  readonly id: string
  readonly kind: 'base' | 'increment'
  readonly parent: string | null
  /** When it was taken, ms since the epoch. */
  readonly at: number
  /** Sessions in it; of a base as counted in memory. */
  readonly sessions: number
}

/** A snapshot file at the target. */
export interface SnapshotInfo {
  readonly id: string
  /** `aside`: sessions that this peer held and no other knew any more, when it came back after a long time. */
  readonly kind: 'base' | 'increment' | 'aside'
  readonly parent: string | null
  /** When the view was taken, ms since the epoch. */
  readonly at: number
  /** Tag of the peer that took it; see docs/FORMAT.md. */
  readonly tag: string
  /** Whether this peer took it. */
  readonly own: boolean
  readonly bytes: number
  /** Sessions in this file; null if its end can't be read. */
  readonly sessions: number | null
  /** Of them, tombstones. */
  readonly terminated: number | null
  /** Content hash of the records in this file, as of `sessions-hash`. */
  readonly hash: string | null
  /** What is wrong with its end, if anything: `verify` looks at all of it. */
  readonly damage: string | null
}

/** A snapshot with all that it builds on, every byte and every document looked at. */
export interface SnapshotVerification {
  readonly id: string
  /** Ids of the files read, the base first. */
  readonly chain: readonly string[]
  readonly bytes: number
  readonly sessions: number
  readonly terminated: number
  /** Content hash of a peer that holds exactly this. */
  readonly hash: string
}

export interface RestoreOptions {
  /** Only this session. */
  readonly session?: string
  /** Only count what would be done. */
  readonly dryRun?: boolean
  readonly onProgress?: OnSnapshotProgress
}

export interface RestoreReport {
  readonly snapshot: string
  readonly chain: readonly string[]
  readonly dryRun: boolean
  /** Sessions read from the snapshot: the sum of those below. */
  readonly sessions: number
  /** This peer did not know them. */
  readonly created: number
  /** This peer had them, and the snapshot had something it lacked. */
  readonly merged: number
  /** This peer had all of it already, or more. */
  readonly unchanged: number
  /** Terminated here since the snapshot: they stay so, and nothing was merged. */
  readonly terminatedHere: number
  /** Could not be taken in; the reasons of the first of them are in `refusals`. */
  readonly refused: number
  readonly refusals: readonly { readonly session: string; readonly code: string; readonly message: string }[]
  /** Content hash of the snapshot: that of this peer too, if it held nothing else before. */
  readonly hash: string
}

export interface Snapshots {
  /** Takes a view of everything that is on disk now; writers go on. @throws SNAPSHOT_TARGET_MISSING */
  create(options?: {
    /** `auto`: an increment on what this boot persisted last, if there is that. @default 'base' */
    readonly kind?: 'base' | 'auto'
  }): Promise<SnapshotView>
  /** Writes a view to the target, whole or not at all. Again for one that is there: says so. @throws SNAPSHOT_NOT_FOUND */
  persist(id: string, options?: { readonly onProgress?: OnSnapshotProgress }): Promise<SnapshotInfo>
  /** All at the target, of all peers that share it, the newest first. */
  list(): Promise<SnapshotInfo[]>
  /** Reads all of it. `latest` names the newest. @throws SNAPSHOT_CORRUPT naming what is wrong and where */
  verify(id: string, options?: { readonly onProgress?: OnSnapshotProgress }): Promise<SnapshotVerification>
  /**
   * Merges a snapshot into what is here, as any peer's changes would be: newer writes stay, terminated sessions stay
   * terminated. It is looked at as a whole before anything is taken in. On this peer's disk when it resolves; the
   * other replicas get it by repair.
   */
  restore(id: string, options?: RestoreOptions): Promise<RestoreReport>
}
