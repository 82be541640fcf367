// One step of the walk that finds the sessions in which two hash trees differ.
import { digestsEqual } from './digest.ts'
import { SessionMeshError } from './errors.ts'
import { DEPTH_MAX } from './hash-tree-entries.ts'
import type { HashLeaf, HashNode, HashTree } from './hash-tree.ts'
import { HASH_BYTES } from './hash.ts'

export interface NodeComparison {
  /** Prefixes to ask the other side for next. */
  readonly descend: string[]
  /** Sessions that only one side has, or whose digests differ. */
  readonly differing: string[]
}

const FANOUT = 16
const NOTHING = new Uint8Array(HASH_BYTES)

/**
 * Compares what the other side told of `prefix` with what is here. Begin with the empty prefix and go on with every
 * prefix in `descend`: at most sixteen a node and sixteen levels, whatever the other side says.
 * @throws INVALID_MESSAGE if the node is malformed, INVALID_ARGUMENT if `prefix` is no prefix
 */
export function compareNode(local: HashTree, prefix: string, remote: HashNode): NodeComparison {
  if (digestsEqual(local.hash(prefix), remote.hash)) return { descend: [], differing: [] }
  if ('leaves' in remote) return { descend: [], differing: differingLeaves(local.leaves(prefix), remote.leaves) }
  return differingChildren(local, prefix, remote.children)
}

function differingLeaves(local: readonly HashLeaf[], remote: readonly HashLeaf[]): string[] {
  const digests = new Map(local.map(({ session, digest }) => [session, digest]))
  const differing = new Set(digests.keys())
  for (const { session, digest } of remote) {
    const own = digests.get(session)
    if (own !== undefined && digestsEqual(own, digest)) differing.delete(session)
    else differing.add(session)
  }
  return [...differing]
}

function differingChildren(local: HashTree, prefix: string, remote: Uint8Array): NodeComparison {
  if (remote.length !== FANOUT * HASH_BYTES || prefix.length >= DEPTH_MAX) {
    throw new SessionMeshError('INVALID_MESSAGE', `hash tree node ${prefix} has children of ${remote.length} bytes`)
  }
  const own = local.children(prefix)
  const descend: string[] = []
  const differing: string[] = []
  for (let digit = 0; digit < FANOUT; digit++) {
    const [from, to] = [digit * HASH_BYTES, (digit + 1) * HASH_BYTES]
    const theirs = remote.subarray(from, to)
    if (digestsEqual(own.subarray(from, to), theirs)) continue
    const child = prefix + digit.toString(16)
    // Nothing there on the other side: everything below it here differs, and there is nothing to ask.
    if (digestsEqual(theirs, NOTHING)) for (const { session } of local.leaves(child)) differing.push(session)
    else descend.push(child)
  }
  return { descend, differing }
}
