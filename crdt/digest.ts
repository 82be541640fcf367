// The digest of a session: equal documents have equal digests, whatever order, grouping or repetition their updates
// came in, and whether deleted content was garbage collected yet.
//
// It is the hash of Yjs' encoded snapshot, which is canonical (read in 13.6.33): writeDeleteSet and writeStateVector
// sort by client, and the delete set is built from the store with adjacent deleted structs merged, where collected
// ones count as deleted. Two documents that were given different content under the same (client, clock) look equal
// here; that no client id is ever used by two boots is what keeps that from happening (DESIGN.md section 5).
import * as Y from 'yjs'
import { HASH_BYTES, hash128 } from './hash.ts'

export const DIGEST_BYTES = HASH_BYTES

/** Hash of the state vector and delete set of what `doc` has integrated. Walks every struct of the document. */
export function digestOf(doc: Y.Doc): Uint8Array {
  return hash128(Y.encodeSnapshot(Y.snapshot(doc)))
}

export function digestsEqual(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}
