// The index: for each stored session what a start needs to know of it, so that it need not read and build them all.
//
// A session's summary holds until the session is written to: the batch that does so first also marks it outdated. So
// after a crash at any moment an index entry is either right or marked, and no session is without one.
import type { StoredSummary } from '../ports/store.ts'
import type { Batch, Operation } from './group-commit.ts'
import {
  decodeIndexKey,
  decodeMeta,
  encodeMeta,
  indexKey,
  ALL_SESSIONS,
  decodeKey,
  INDEX_RANGE,
  type KeyRange,
} from './record.ts'

const OUTDATED = new Uint8Array([0])
/** Operations in one batch while the index is made anew. */
const REBUILD_BATCH = 4_096

export class SessionIndex {
  /** Sessions marked since their last summary: no need to mark them again. May lack some: marking twice does no harm. */
  readonly #outdated = new Set<string>()

  /** To be called for every session that a batch writes to. */
  outdate(batch: Batch, session: string): void {
    if (this.#outdated.has(session)) return
    this.#outdated.add(session)
    batch.put(session, indexKey(session), OUTDATED)
  }

  /** What is said of a session in a batch holds for all that was written before it. */
  summarize(batch: Batch, session: string, summary: Uint8Array): void {
    this.#outdated.delete(session)
    const key = indexKey(session)
    batch.put(session, key, encodeMeta(key, summary))
  }

  forget(batch: Batch, session: string): void {
    this.#outdated.delete(session)
    batch.del(session, indexKey(session))
  }

  /** A damaged summary counts as an outdated one. */
  decode([key, value]: readonly [Uint8Array, Uint8Array]): StoredSummary {
    return { session: decodeIndexKey(key), summary: value.length > 1 ? decodeMeta(key, value) : undefined }
  }
}

/** The little that making the index needs of a database. */
export interface Indexed {
  keys(options: Partial<KeyRange> & { readonly limit?: number }): AsyncIterable<Uint8Array>
  batch(operations: Operation[], options: { readonly sync: boolean }): Promise<void>
}

/** Makes the index anew: one outdated entry for every session of which anything is stored. */
export async function rebuildIndex(database: Indexed): Promise<void> {
  let operations: Operation[] = []
  const flush = async (atLeast: number) => {
    if (operations.length < atLeast) return
    await database.batch(operations, { sync: true })
    operations = []
  }
  for await (const key of database.keys(INDEX_RANGE)) {
    operations.push({ type: 'del', key })
    await flush(REBUILD_BATCH)
  }
  let last: string | undefined
  for await (const key of database.keys(ALL_SESSIONS)) {
    const session = decodeKey(key)?.session
    if (session === undefined || session === last) continue
    last = session
    operations.push({ type: 'put', key: indexKey(session), value: OUTDATED })
    await flush(REBUILD_BATCH)
  }
  await flush(1)
}
