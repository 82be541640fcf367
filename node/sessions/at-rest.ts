// From a session at rest to its document, and whether all of it was there.
import * as Y from 'yjs'
import {
  createDocument,
  deadlineOf,
  describeSession,
  digestOf,
  digestsEqual,
  stateVectorOf,
  type StateVector,
} from '../../crdt/index.ts'
import type { StoredSession } from '../ports/store.ts'
import type { Entry } from './entry.ts'

/** @param origin of the transaction, for listeners that must know it from writing */
export function buildDocument(id: string, stored: StoredSession, origin: unknown): Y.Doc {
  const doc = createDocument(id)
  doc.transact(() => {
    if (stored.base !== undefined) Y.applyUpdate(doc, stored.base.update, origin)
    for (const record of stored.tail) Y.applyUpdate(doc, record.update, origin)
  }, origin)
  return doc
}

/** Whether the document is less than its state vector and, if that is known, its digest say. */
export function lacks(doc: Y.Doc, stateVector: StateVector, digest: Uint8Array | undefined): boolean {
  const held = stateVectorOf(doc)
  for (const [client, clock] of stateVector) if ((held.get(client) ?? 0) < clock) return true
  return digest !== undefined && !digestsEqual(digest, digestOf(doc))
}

/** What the peer keeps in memory of a session's own words. */
export function describeEntry(entry: Entry, doc: Y.Doc): void {
  const record = describeSession(doc)
  const { priority, pin, createdAt, terminatedAt, ttlMs } = record
  const deadline = terminatedAt === undefined ? deadlineOf(record) : undefined
  entry.priority = priority
  entry.pin = pin
  entry.createdAt = createdAt
  entry.terminatedAt = terminatedAt
  entry.purgeAt = record.purgeAt
  // Where the other end comes first, no touch moves it.
  const isIdleEnd = deadline !== record.expiresAt
  entry.expiry = deadline === undefined ? undefined : { deadline, ttlMs: isIdleEnd ? ttlMs : undefined }
}
