// From what is stored of a session to a document of its own, apart from the live one; to be destroyed after use.
import type * as Y from 'yjs'
import { waits } from '../../crdt/index.ts'
import type { StoredSession } from '../ports/store.ts'
import { buildDocument } from './at-rest.ts'

/** What waits for a record that is gone is left out. */
export function documentOf(session: string, stored: StoredSession): Y.Doc {
  const doc = buildDocument(session, stored, undefined)
  doc.store.pendingStructs = null
  doc.store.pendingDs = null
  return doc
}

/** Undefined if a record that others rest on is gone. */
export function wholeDocumentOf(session: string, stored: StoredSession): Y.Doc | undefined {
  const doc = buildDocument(session, stored, undefined)
  return waits(doc) ? undefined : doc
}
