// From a view of the store to the records of a snapshot: every session compacted through its document, because merged
// updates alone never forget overwritten content.
import * as Y from 'yjs'
import { digestOf, isTerminated } from '../../crdt/index.ts'
import type { StoredSession, StoreView } from '../ports/store.ts'
import { documentOf } from '../sessions/stored-document.ts'
import type { SnapshotRecord } from './format.ts'

/** Sessions after which others get a turn: some two milliseconds of work. */
const SLICE = 64

/** @param sessions only these, in ascending order; all by default */
export async function* viewRecords(
  view: StoreView,
  sessions: readonly string[] | undefined,
  pause: () => Promise<void>,
): AsyncGenerator<SnapshotRecord, void, undefined> {
  let sinceYield = 0
  for await (const { session, stored } of sessions === undefined ? view.sessions() : readEach(view, sessions)) {
    yield recordOf(session, stored)
    if (++sinceYield % SLICE === 0) await pause()
  }
}

async function* readEach(
  view: StoreView,
  sessions: readonly string[],
): AsyncGenerator<{ session: string; stored: StoredSession }> {
  for (const session of sessions) {
    const stored = await view.read(session)
    // Removed meanwhile, or not yet on disk when the view was taken: then the next snapshot has it.
    if (stored !== undefined) yield { session, stored }
  }
}

function recordOf(session: string, stored: StoredSession): SnapshotRecord {
  const doc = documentOf(session, stored)
  try {
    return { session, digest: digestOf(doc), terminated: isTerminated(doc), update: Y.encodeStateAsUpdate(doc) }
  } finally {
    doc.destroy()
  }
}
