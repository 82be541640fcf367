// Folding a session's oldest log records into its base. What is kept of the log is the session's history: everything that
// is not older than the last two snapshots, within bounds of records and bytes. The newest record is never folded, so
// there is always one to say how far back the log reaches.
//
// The base is built from disk, not from the live document: it must stand for exactly the records that it replaces.
import * as Y from 'yjs'
import type { Store } from '../ports/store.ts'
import type { Entry } from './entry.ts'
import type { Journal } from './journal.ts'
import { wholeDocumentOf } from './stored-document.ts'

/** Fewer are not worth a read and a write. */
const FOLD_RECORDS_MIN = 16

export interface CompactionOptions {
  readonly store: Store
  readonly journal: Journal
  readonly historyRecordsMax: number
  readonly historyBytesMax: number
  /** What is stored of the session has changed, though not what it says. */
  readonly onFolded: (entry: Entry) => void
  readonly onError: (error: unknown) => void
}

export class Compaction {
  readonly #options: CompactionOptions
  readonly #running = new Set<Entry>()

  constructor(options: CompactionOptions) {
    this.#options = options
  }

  /** To be called after an append: folds about half of a log that has grown too long. */
  consider(entry: Entry): void {
    const { historyRecordsMax, historyBytesMax, onError } = this.#options
    const isLong = entry.tailRecords >= historyRecordsMax
    // A large session may have a log as large: overwritten content must not count against the session's limit.
    const isLarge = entry.tailBytes >= Math.max(historyBytesMax, entry.baseBytes)
    if ((!isLong && !isLarge) || this.#running.has(entry)) return
    const kept = { records: historyRecordsMax / 2, bytes: Math.max(historyBytesMax, entry.baseBytes) / 2 }
    // It may have grown as long again meanwhile, and nothing more come after that.
    this.#fold(entry, entry.sequence - 1, kept).then((folded) => folded && this.consider(entry), onError)
  }

  /** Folds all that was logged, and forgets how it came about. */
  async foldAll(entry: Entry): Promise<void> {
    if (!this.#running.has(entry)) await this.#fold(entry, entry.sequence, { records: 0, bytes: 0 })
  }

  isFolding(entry: Entry): boolean {
    return this.#running.has(entry)
  }

  /** Folds what was logged up to and with `sequence`, if that is much. */
  async fold(entry: Entry, sequence: number): Promise<void> {
    const records = entry.tailRecords - (entry.sequence - sequence)
    if (records < FOLD_RECORDS_MIN || this.#running.has(entry)) return
    await this.#fold(entry, Math.min(sequence, entry.sequence - 1), { records: 0, bytes: 0 })
  }

  /** Whether anything was folded. */
  async #fold(entry: Entry, through: number, kept: { records: number; bytes: number }): Promise<boolean> {
    const { store, journal, onFolded } = this.#options
    this.#running.add(entry)
    try {
      const stored = await store.read(entry.id)
      if (stored === undefined) return false
      let { records, bytes } = kept
      let last = stored.tail.length - 1
      // From the end back, until as much is kept as is to be.
      for (; last >= 0; last--) {
        const record = stored.tail[last]
        if (record === undefined) return false
        if (record.sequence <= through && (records <= 0 || bytes <= 0)) break
        records--
        bytes -= record.update.length
      }
      const folded = stored.tail.slice(0, last + 1)
      const throughSequence = folded.at(-1)?.sequence
      // With a hole in its log, what waits for the missing record must stay: the replicas may yet bring it.
      const doc = wholeDocumentOf(entry.id, { base: stored.base, tail: folded })
      if (throughSequence === undefined || doc === undefined) return false
      const update = Y.encodeStateAsUpdate(doc)
      doc.destroy()
      const foldedBytes = folded.reduce((sum, record) => sum + record.update.length, 0)
      await journal.compact(entry, update, { throughSequence, records: folded.length, bytes: foldedBytes })
      onFolded(entry)
      return true
    } finally {
      this.#running.delete(entry)
    }
  }
}
