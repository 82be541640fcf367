// From what is stored of a session to its document.
import * as Y from 'yjs'
import { createDocument } from '../../crdt/index.ts'
import type { StoredSession } from '../ports/store.ts'

/** Transaction origin of everything that comes from disk. */
const LOADING = Symbol('sessionmesh:loading')

/** A document of its own, to be destroyed after use. What waits for a record that is gone is left out. */
export function documentOf(session: string, stored: StoredSession): Y.Doc {
  const doc = createDocument(session)
  doc.transact(() => {
    if (stored.base !== undefined) Y.applyUpdate(doc, stored.base.update, LOADING)
    for (const { update } of stored.tail) Y.applyUpdate(doc, update, LOADING)
  }, LOADING)
  doc.store.pendingStructs = null
  doc.store.pendingDs = null
  return doc
}
