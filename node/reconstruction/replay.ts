// Replaying a session's log, to its end or to a past time. Records are applied in the order in which they were logged; a
// clock that went back meanwhile does not change that order, a record counts as no older than the one before it.
import * as Y from 'yjs'
import { createDocument, SessionMeshError } from '../../crdt/index.ts'
import type { LogRecord, StoredSession } from '../ports/store.ts'

export interface Replayed {
  /** To be destroyed after use. */
  readonly doc: Y.Doc
  readonly records: number
  /** Of the last record applied. */
  readonly at: number | undefined
}

/** How far back a log reaches; undefined: to the session's beginning. */
export function oldestOf({ base, tail }: StoredSession): number | undefined {
  return base === undefined ? undefined : (tail[0]?.time ?? Number.POSITIVE_INFINITY)
}

/** @throws HISTORY_GONE, SESSION_NOT_FOUND if the session did not exist yet */
export function replay(session: string, stored: StoredSession, at = Number.POSITIVE_INFINITY): Replayed {
  const oldest = oldestOf(stored)
  const first = stored.tail[0]?.time
  if (oldest !== undefined && at < oldest) {
    const message = `the log of session ${session} reaches back to ${timeText(first)}, not to ${timeText(at)}`
    throw new SessionMeshError('HISTORY_GONE', message)
  }
  if (oldest === undefined && first !== undefined && at < first) {
    const message = `session ${session} was not there at ${timeText(at)}: its log begins at ${timeText(first)}`
    throw new SessionMeshError('SESSION_NOT_FOUND', message)
  }
  const doc = createDocument(session)
  if (stored.base !== undefined) Y.applyUpdate(doc, stored.base.update)
  let records = 0
  let last: number | undefined
  for (const { record, time } of inOrder(stored.tail)) {
    if (time > at) break
    Y.applyUpdate(doc, record.update)
    records++
    last = time
  }
  return { doc, records, at: last }
}

/** Each record with a time that never goes back. */
export function* inOrder(tail: readonly LogRecord[]): Generator<{ record: LogRecord; time: number }> {
  let time = Number.NEGATIVE_INFINITY
  for (const record of tail) {
    time = Math.max(time, record.time)
    yield { record, time }
  }
}

function timeText(at: number | undefined): string {
  return at === undefined || !Number.isFinite(at) ? 'now' : new Date(at).toISOString()
}
