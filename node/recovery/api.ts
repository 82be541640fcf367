// What `peer.recovery` offers. Every answer is plain JSON: the HTTP admin and the CLI pass it on unchanged.
import type { Priority } from '../api.ts'

export interface RecoveryStage {
  readonly priority: Priority
  /** When it begins at the earliest, ms after the recovery did. */
  readonly delay: number
}

export interface StageProgress extends RecoveryStage {
  readonly state: 'waiting' | 'running' | 'done'
  readonly done: number
  readonly total: number
  /** Sessions a second, since the stage began. */
  readonly rate: number
  /** ms left at that rate; null if nothing can be said yet. */
  readonly etaMs: number | null
}

export interface RecoveryProgress {
  readonly running: boolean
  readonly done: number
  readonly total: number
  readonly rate: number
  readonly etaMs: number | null
  readonly stages: readonly StageProgress[]
}

export interface RecoveryStats {
  /** Wall clock, ms since the epoch; null if this peer has had nothing to recover. */
  readonly startedAt: number | null
  readonly finishedAt: number | null
  readonly durationMs: number
  /** Sessions looked at so far. */
  readonly recovered: number
  /** What is on disk is what was logged. */
  readonly sound: number
  /** Less was on disk; the replicas are asked for it. */
  readonly damaged: number
  /** Were being written to, so that there was nothing at rest to look at. */
  readonly busy: number
  /** As on the replicas, or fetched from them. */
  readonly compared: number
  /** There was no replica to compare with. */
  readonly alone: number
  /** Taken before their turn. */
  readonly prioritized: number
}

/** A session whose home is gone, and of which it is not yet known that its new home has the latest. */
export interface OrphanedSession {
  readonly session: string
  readonly priority: Priority
  /** Peer id of the home that died or left … */
  readonly lastHome: string
  /** … when that was noticed, ms since the epoch … */
  readonly since: number
  /** … and of its home now. */
  readonly home: string
  /** Why it has not been adopted. */
  readonly reason: string
}

export interface Orphaned {
  /** Of the sessions that are here. */
  readonly count: number
  /** In order of id, the first thousand unless `limit` says otherwise. */
  readonly sessions: readonly OrphanedSession[]
}

export interface Adoption {
  /** Sessions of which it is known now that who is to keep them has the latest … */
  readonly adopted: number
  /** … and those that are left: `orphaned()` says why. */
  readonly orphaned: number
}

export interface Recovery {
  stats(): RecoveryStats
  progress(): RecoveryProgress
  /** Takes these before all others. Ids that are not recovering are left out of the count. */
  prioritize(ids: readonly string[]): { readonly prioritized: number }
  /**
   * Goes on by these stages; priorities that are not named come last. When everything has been recovered already, all
   * of it is looked at once more.
   */
  staged(stages: readonly RecoveryStage[]): RecoveryProgress
  /**
   * For a peer that was away longer than tombstones are kept, and waits for others that won't come: what it holds is shown
   * as it is. Whether it was waiting.
   */
  accept(): { readonly accepted: boolean }
}
