// A session's past, from its log and from snapshots: as it was, who changed it and how, and going back by a new change.
import * as Y from 'yjs'
import {
  createDocument,
  digestOf,
  hasCode,
  isTerminated,
  parseSessionId,
  revertDocument,
  sessionMapOf,
  SessionMeshError,
  toHex,
  toJson,
} from '../../crdt/index.ts'
import type { Receipt, Sessions, WriteOptions } from '../api.ts'
import type { LogRecord, Store, StoredSession } from '../ports/store.ts'
import type { Catalog } from '../sessions/catalog.ts'
import type { Snapshots } from '../snapshots/snapshots.ts'
import type {
  HistoryEntry,
  Past,
  RebuildVerification,
  RebuiltSession,
  Reconstruction as ReconstructionApi,
  SessionHistory,
} from './api.ts'
import { describeChange } from './describe.ts'
import { inOrder, oldestOf, replay, type Replayed } from './replay.ts'

const HISTORY_LIMIT_DEFAULT = 100
/** A session that is written to all the time is compared in a pause of its writers, if there is one. */
const VERIFY_TRIES_MAX = 20

export interface ReconstructionOptions {
  readonly catalog: () => Catalog
  readonly store: Store
  readonly sessions: Sessions
  readonly snapshots: Snapshots
  readonly self: () => string
  /** Name of a peer, if it is known. */
  readonly nameOf: (peer: string) => string | undefined
}

export class Reconstruction implements ReconstructionApi {
  readonly #options: ReconstructionOptions

  constructor(options: ReconstructionOptions) {
    this.#options = options
  }

  async rebuildFromLog(id: string, past: Past = {}): Promise<RebuiltSession> {
    const { doc, records, at, oldest } = await this.#past(parseSessionId(id), past)
    const { data, ...types } = toJson(doc)
    const digest = toHex(digestOf(doc))
    const terminated = isTerminated(doc)
    doc.destroy()
    return { id, at: at ?? null, data, types, terminated, digest, records, oldest: finite(oldest) }
  }

  async verify(id: string): Promise<RebuildVerification> {
    const catalog = this.#options.catalog()
    const entry = catalog.get(parseSessionId(id))
    if (entry === undefined) throw notHeld(id)
    const doc = await catalog.acquire(entry)
    try {
      for (let tries = 1; ; tries++) {
        const { sequence } = entry
        const stored = await this.#stored(id)
        if (entry.sequence !== sequence && tries < VERIFY_TRIES_MAX) continue
        const { doc: rebuilt, records } = replay(id, stored)
        const digests = { live: toHex(digestOf(doc)), rebuilt: toHex(digestOf(rebuilt)) }
        rebuilt.destroy()
        return { id, equal: digests.live === digests.rebuilt, ...digests, records }
      }
    } finally {
      catalog.release(entry)
    }
  }

  async history(
    id: string,
    { limit = HISTORY_LIMIT_DEFAULT }: { readonly limit?: number } = {},
  ): Promise<SessionHistory> {
    const stored = await this.#stored(parseSessionId(id))
    const doc = createDocument(id)
    if (stored.base !== undefined) Y.applyUpdate(doc, stored.base.update)
    const entries: HistoryEntry[] = []
    const skipped = Math.max(0, stored.tail.length - limit)
    let index = 0
    let before = contentOf(doc)
    for (const { record, time } of inOrder(stored.tail)) {
      Y.applyUpdate(doc, record.update)
      if (++index < skipped) continue
      const after = contentOf(doc)
      if (index > skipped) entries.push(this.#entry(record, time, describeChange(before, after)))
      before = after
    }
    doc.destroy()
    return { id, oldest: finite(oldestOf(stored)), entries }
  }

  async revert(id: string, past: Past, options: WriteOptions = {}): Promise<Receipt> {
    if (past.at === undefined && past.snapshot === undefined) {
      throw new SessionMeshError('INVALID_ARGUMENT', 'revert: expected a time or a snapshot to go back to')
    }
    const session = await this.#options.sessions.open(id)
    try {
      const { doc } = await this.#past(parseSessionId(id), past)
      const receipt = session.transact((live) => void revertDocument(live, doc), options)
      doc.destroy()
      return await receipt
    } finally {
      session.close()
    }
  }

  async #past(id: string, { at, snapshot }: Past): Promise<Replayed & { oldest: number | undefined }> {
    if (snapshot !== undefined) {
      const { update, takenAt } = await this.#options.snapshots.read(snapshot, id)
      const doc = createDocument(id)
      Y.applyUpdate(doc, update)
      return { doc, records: 0, at: takenAt, oldest: undefined }
    }
    const stored = await this.#stored(id)
    try {
      return { ...replay(id, stored, at), oldest: oldestOf(stored) }
    } catch (error) {
      if (!hasCode(error, 'HISTORY_GONE') || at === undefined) throw error
      const older = await this.#options.snapshots.newestBefore(at)
      const hint = older === undefined ? '' : `; snapshot ${older} is the last one before that`
      throw new SessionMeshError('HISTORY_GONE', error.message + hint)
    }
  }

  /** What is on disk of it, everything acknowledged included. @throws SESSION_NOT_FOUND */
  async #stored(id: string): Promise<StoredSession> {
    await this.#options.catalog().journal.flush()
    const stored = await this.#options.store.read(id)
    if (stored === undefined) throw notHeld(id)
    return stored
  }

  #entry(record: LogRecord, at: number, changes: HistoryEntry['changes']): HistoryEntry {
    const { sequence, origin, frameSequence } = record
    const name = this.#options.nameOf(origin) ?? null
    return { sequence, at, by: origin, name, via: this.#via(origin, frameSequence), changes }
  }

  #via(origin: string, frameSequence: number): HistoryEntry['via'] {
    if (origin === 'snapshot') return 'snapshot'
    if (origin === this.#options.self()) return 'local'
    return frameSequence > 0 ? 'frame' : 'exchange'
  }
}

/** What the user wrote, and the session's own record. */
function contentOf(doc: Y.Doc): Record<string, unknown> {
  return { ...toJson(doc), $session: sessionMapOf(doc).toJSON() }
}

function finite(time: number | undefined): number | null {
  return time === undefined || !Number.isFinite(time) ? null : time
}

function notHeld(id: string): SessionMeshError {
  return new SessionMeshError('SESSION_NOT_FOUND', `this peer has no log of session ${id}`)
}
