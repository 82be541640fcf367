// Hash-tree nodes on the wire.
import type { HashTree } from '../../crdt/index.ts'
import type { TreeNode } from '../../transport/wire/messages.js'

type NodeView = ReturnType<HashTree['node']>

export function wireNode(shard: number, prefix: string, node: NodeView): TreeNode {
  if ('leaves' in node) {
    const leaves = node.leaves.map(({ session, digest }) => ({ session, digest }))
    return { shard, prefix, hash: node.hash, leaves, children: new Uint8Array() }
  }
  return { shard, prefix, hash: node.hash, leaves: [], children: node.children }
}

export function remoteNode(node: TreeNode): NodeView {
  return node.children.length > 0
    ? { hash: node.hash, children: node.children }
    : { hash: node.hash, leaves: node.leaves }
}
