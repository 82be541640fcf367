// The store's face in the SDK. Plain JSON, passed on unchanged by the HTTP admin and the CLI.
import type { SyncProgress } from '../api.ts'

export interface IntegrityReport {
  /** Nothing was found. */
  readonly healthy: boolean
  /** What was looked at. */
  readonly sessions: number
  readonly records: number
  readonly bytes: number
  /** Sessions of which less was on disk than was logged: mended from memory, or on their way from the replicas. */
  readonly damaged: number
  /** Their ids, the first thousand. */
  readonly damagedSessions: readonly string[]
  /** Damage to the store's own files, a sentence each: mended when the peer starts the next time. */
  readonly findings: readonly string[]
  readonly durationMs: number
}

export interface PurgeOptions {
  /** Only say what would be done. */
  readonly dryRun?: boolean
  readonly onProgress?: (progress: SyncProgress) => void
}

/** Tombstones of this peer, and what became of them. */
export interface PurgeReport {
  readonly dryRun: boolean
  /** All that were looked at. */
  readonly tombstones: number
  /** Their history was removed. */
  readonly stripped: number
  /** Kept for as long as they had to be: removed altogether. */
  readonly forgotten: number
  /** In use just now: nothing was done. */
  readonly busy: number
  /** What the store took on disk; null for a dry run. */
  readonly bytesBefore: number | null
  readonly bytesAfter: number | null
}

export interface StoreAdmin {
  /** Removes what is left on this peer's disk of deleted sessions, as far as it may, and gives the room back at once. */
  purge(options?: PurgeOptions): Promise<PurgeReport>
  /** Compares all that is on disk with what was logged; serves meanwhile. */
  validateIntegrity(options?: { onProgress?: (progress: SyncProgress) => void }): Promise<IntegrityReport>
  /** Sessions checked so far, while a check runs (also the one in the background); else null. */
  integrityProgress(): SyncProgress | null
}
