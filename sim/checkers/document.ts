// What checkers read from a document, with nothing of the product's own reading in between: its digest and its word for
// "terminated" may be what is broken.
import { createHash } from 'node:crypto'
import * as Y from 'yjs'

/** Equal for equal documents: state vector and delete set. */
export function fingerprint(doc: Y.Doc): string {
  return createHash('sha256')
    .update(Y.encodeSnapshot(Y.snapshot(doc)))
    .digest('hex')
    .slice(0, 32)
}

export function isTerminated(doc: Y.Doc): boolean {
  return doc.getMap('$session').get('terminatedAt') !== undefined
}
