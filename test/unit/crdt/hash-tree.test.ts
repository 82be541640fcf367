// The hash tree: a function of its entries alone, and a walk over two of them that finds exactly what differs.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compareNode, hash128, HashTree, toHex, type HashNode } from '../../../crdt/index.ts'

const digest = (content: number) => hash128(`content ${content}`)
const idOf = (number: number) => `session-${number}`

/** Asks `remote` node by node; returns what differs and how many nodes that took. */
function walk(local: HashTree, remote: HashTree): { differing: string[]; nodes: number } {
  const differing: string[] = []
  const pending = ['']
  let nodes = 0
  for (let prefix = pending.pop(); prefix !== undefined; prefix = pending.pop()) {
    nodes++
    const found = compareNode(local, prefix, remote.node(prefix))
    differing.push(...found.differing)
    pending.push(...found.descend)
  }
  return { differing: differing.toSorted(), nodes }
}

function treeOf(entries: Iterable<readonly [number, number]>): HashTree {
  const tree = new HashTree()
  for (const [id, content] of entries) tree.set(idOf(id), digest(content))
  return tree
}

/** Everything that a peer could ask of the tree, down to lists of leaves in a fixed order. */
function everyAnswer(tree: HashTree, prefix = ''): unknown[] {
  const node = tree.node(prefix)
  if ('leaves' in node) {
    const leaves = node.leaves.map((leaf) => `${leaf.session} ${toHex(leaf.digest)}`)
    return [prefix, toHex(node.hash), leaves.toSorted()]
  }
  const below = Array.from({ length: 16 }, (_, digit) => everyAnswer(tree, prefix + digit.toString(16)))
  return [prefix, toHex(node.hash), toHex(node.children), below]
}

test('what was packed is restored to the same tree, in any order', () => {
  const entries = fc.uniqueArray(fc.tuple(fc.nat(300), fc.nat(5)), { selector: ([id]) => id, maxLength: 200 })
  const property = fc.property(entries, fc.func(fc.nat()), (given, order) => {
    const tree = treeOf(given)
    const restored = new HashTree()
    const shuffled = given.toSorted(([a], [b]) => order(a) - order(b))
    for (const [id] of shuffled) restored.restore(idOf(id), tree.pack(idOf(id)) ?? new Uint8Array())
    expect(everyAnswer(restored)).toEqual(everyAnswer(tree))
    expect(restored.pack('unknown')).toBeUndefined()
    for (const [id] of given) expect(() => restored.restore(idOf(id), new Uint8Array(40))).toThrow(/invariant/)
  })
  fc.assert(property, { numRuns: 20 })
})

test('equals a tree built anew after any sets and deletes', () => {
  // Runs of neighbouring ids, so that nodes split and fold up again within few steps.
  const change = fc.record({ from: fc.nat(300), count: fc.nat(120), content: fc.nat(2) })
  const property = fc.property(fc.array(change, { maxLength: 12, size: 'max' }), (changes) => {
    const tree = new HashTree()
    const model = new Map<number, number>()
    for (const { from, count, content } of changes) {
      for (let id = from; id < from + count; id++) {
        if (content === 0) expect(tree.delete(idOf(id))).toBe(model.delete(id))
        else tree.set(idOf(id), digest(content))
        if (content !== 0) model.set(id, content)
      }
    }
    expect(everyAnswer(tree)).toEqual(everyAnswer(treeOf(model)))
    expect(tree.size).toBe(model.size)
    for (const [id, content] of model) expect(tree.get(idOf(id))).toEqual(digest(content))
  })
  fc.assert(property, { numRuns: 60 })
})

test('a tree emptied again is like new', () => {
  const tree = treeOf(Array.from({ length: 500 }, (_, id) => [id, 1]))
  for (let id = 0; id < 500; id++) tree.delete(idOf(id))
  expect(everyAnswer(tree)).toEqual(everyAnswer(new HashTree()))
  expect(toHex(tree.root())).toBe('0'.repeat(32))
  expect(tree.get(idOf(1))).toBeUndefined()
})

test('a walk finds exactly the differing sessions, from either side', () => {
  const contents = fc.array(fc.tuple(fc.nat(3), fc.nat(60)), { maxLength: 30 })
  const property = fc.property(fc.nat(400), contents, contents, (shared, ours, theirs) => {
    const base = Array.from({ length: shared }, (_, id) => [id, 0] as const)
    const contentOf = (changes: [number, number][]) =>
      new Map([...base, ...changes.map(([content, id]) => [id * 11, content] as const)])
    const [left, right] = [contentOf(ours), contentOf(theirs)]
    const differing = [...new Set([...left.keys(), ...right.keys()])]
      .filter((id) => left.get(id) !== right.get(id))
      .map(idOf)
      .toSorted()
    expect(walk(treeOf(left), treeOf(right)).differing).toEqual(differing)
    expect(walk(treeOf(right), treeOf(left)).differing).toEqual(differing)
  })
  fc.assert(property, { numRuns: 100 })
})

test('k differing sessions among n take a walk over at most k log n nodes', () => {
  const count = 4000
  const entries = Array.from({ length: count }, (_, id) => [id, 0] as const)
  const remote = treeOf(entries)
  const local = treeOf(entries)
  expect(walk(local, remote)).toEqual({ differing: [], nodes: 1 })
  for (const k of [1, 10, 100]) {
    for (let i = 0; i < k; i++) local.set(idOf(i * 37), digest(k))
    const { differing, nodes } = walk(local, remote)
    expect(differing).toHaveLength(k)
    expect(nodes).toBeLessThanOrEqual(1 + k * Math.ceil(Math.log(count) / Math.log(16)))
  }
})

test('a peer that holds nothing learns all, and one that meets an empty peer asks once', () => {
  const full = treeOf(Array.from({ length: 1000 }, (_, id) => [id, 0]))
  expect(walk(new HashTree(), full).differing).toHaveLength(1000)
  expect(walk(full, new HashTree())).toMatchObject({ nodes: 1 })
  expect(walk(full, new HashTree()).differing).toHaveLength(1000)
})

test('any prefix can be asked, also below a node that is not split', () => {
  const tree = treeOf([
    [1, 1],
    [2, 2],
  ])
  const path = toHex(hash128(idOf(1)))
  const node = tree.node(path.slice(0, 16))
  expect(node).toEqual({ hash: hash128(idOf(1), digest(1)), leaves: [{ session: idOf(1), digest: digest(1) }] })
  expect(tree.node('0123456789abcdef')).toEqual({ hash: new Uint8Array(16), leaves: [] })
  for (const prefix of ['g', 'A', ' ', '0123456789abcdef0', '../']) {
    expect(() => tree.node(prefix)).toThrow(/is no prefix of a hash tree/)
  }
})

test('a malformed node of another peer is refused', () => {
  const tree = treeOf([[1, 1]])
  const node: HashNode = { hash: new Uint8Array(16).fill(1), children: new Uint8Array(255) }
  expect(() => compareNode(tree, '', node)).toThrow(/children of 255 bytes/)
  const tooDeep: HashNode = { hash: new Uint8Array(16).fill(1), children: new Uint8Array(256).fill(1) }
  expect(() => compareNode(tree, '0'.repeat(16), tooDeep)).toThrow(/hash tree node/)
})

test('the root is the sum of the entries: golden bytes, part of the protocol', () => {
  expect(toHex(new HashTree().root())).toBe('0'.repeat(32))
  expect(treeOf([[1, 1]]).root()).toEqual(hash128(idOf(1), digest(1)))
  expect(toHex(treeOf(Array.from({ length: 100 }, (_, id) => [id, id])).root())).toBe(
    '7a1bd6474e7031a56b8b3d516b921a7f',
  )
})
