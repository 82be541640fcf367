// What a session is: a Yjs document, its digest, and the tree by which peers compare their digests. Pure: no clock,
// no I/O, no timers; only yjs and lib0 below it.
//
//   const doc = createDocument(parseSessionId('basket-17'))
//   initializeSession(doc, { createdAt: 0, priority: 'normal', data: { items: 3 } })
//   tree.set('basket-17', digestOf(doc)) // equal documents, equal digests
//   if (integrable(inspectUpdate(update), stateVectorOf(doc))) applyRemote(doc, update, 'remote')
export { compareNode, type NodeComparison } from './compare-node.ts'
export { ContentHash } from './content-hash.ts'
export { DIGEST_BYTES, digestOf, digestsEqual } from './digest.ts'
export {
  createDocument,
  creatorOf,
  dataOf,
  describeSession,
  initializeSession,
  isTerminated,
  SESSION_MAP,
  sessionMapOf,
  terminateSession,
  type InitialSession,
  type Priority,
  type SessionRecord,
} from './document.ts'
export * from './errors.ts'
export { checkExpiry, deadlineOf, isTouchDue, setExpiry, touchSession, type ExpiryChange } from './expiry.ts'
export { concatenate, hash128, toHex } from './hash.ts'
export { HashTree, type HashLeaf, type HashNode } from './hash-tree.ts'
export { parseSessionId, SHARD_COUNT_DEFAULT, shardOf, type SessionId } from './ids.ts'
export { applyInspected, applyRemote, encodeIntegrated, integrable, movedBy, waits, type Applied } from './integrate.ts'
export { isKnownWith } from './known-update.ts'
export { toJson, type JsonValue } from './json.ts'
export { revertDocument } from './revert.ts'
export { decodeStateVector, encodeStateVector, stateVectorOf, type StateVector } from './state-vector.ts'
export { covers, formatToken, held, parseToken, TOKEN_LENGTH_MAX, tokenOf, type CausalToken } from './token.ts'
export { inspectUpdate, type UpdateShape } from './update.ts'
