// What `peer.reconstruction` offers. Every answer is plain JSON: the HTTP admin and the CLI pass it on unchanged.
import type { Receipt, WriteOptions } from '../api.ts'

/** Which past: a time, ms since the epoch, or a snapshot. By default the end of the log. */
export interface Past {
  readonly at?: number
  readonly snapshot?: string
}

/** A session as it was. */
export interface RebuiltSession {
  readonly id: string
  /** Of the last log record applied, or of the snapshot; null if there is none. */
  readonly at: number | null
  readonly data: unknown
  readonly types: Readonly<Record<string, unknown>>
  readonly terminated: boolean
  readonly digest: string
  /** Log records applied. */
  readonly records: number
  /** How far back `at` may go, ms since the epoch; null: to the session's beginning. */
  readonly oldest: number | null
}

export interface RebuildVerification {
  readonly id: string
  /** Whether the log gives the document that is being served. */
  readonly equal: boolean
  readonly live: string
  readonly rebuilt: string
  readonly records: number
}

/** One thing that a change did, as people read it. */
export interface ChangedPart {
  /** Where: `data.items`, `note`, `priority`. */
  readonly path: string
  readonly did: 'set' | 'deleted' | 'inserted' | 'removed'
  /** The whole of it in words: `data.items: 1 → 2`. */
  readonly text: string
  /** Values, where they are small. */
  readonly old?: unknown
  readonly new?: unknown
}

export interface HistoryEntry {
  readonly sequence: number
  /** When it was logged here, ms since the epoch. */
  readonly at: number
  /** Peer id of the writer; of an exchange, of who had it. */
  readonly by: string
  /** Its name, if this peer knows it. */
  readonly name: string | null
  /** `local`: written here. `frame`: came as it was written. `exchange`: by repair, maybe many at once. */
  readonly via: 'local' | 'frame' | 'exchange' | 'snapshot'
  readonly changes: readonly ChangedPart[]
}

export interface SessionHistory {
  readonly id: string
  /** How far back it goes; null: to the session's beginning. */
  readonly oldest: number | null
  /** The newest last. */
  readonly entries: readonly HistoryEntry[]
}

export interface Reconstruction {
  /**
   * Replays what is on disk into a fresh document, to the end or to a past time.
   * @throws HISTORY_GONE before the oldest time that is kept, naming it; SESSION_NOT_FOUND
   */
  rebuildFromLog(id: string, past?: Past): Promise<RebuiltSession>
  /** Compares the rebuilt document with the live one. */
  verify(id: string): Promise<RebuildVerification>
  /** Who wrote when, and what. @param options.limit the newest so many (100) */
  history(id: string, options?: { readonly limit?: number }): Promise<SessionHistory>
  /** Gives the session the content it had, by a new change: the history stays, concurrent writes are merged. */
  revert(id: string, past: Past, options?: WriteOptions): Promise<Receipt>
}
