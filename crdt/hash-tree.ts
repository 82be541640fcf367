// One shard's hash tree: a 16-ary prefix tree over the hashes of session ids, so that two peers find the k sessions
// in which they differ among n by exchanging O(k log n) nodes.
//
// A node's hash is the sum modulo 2^128 of hash(id, digest) over the sessions below it. A sum does not depend on order
// or shape, so a change costs one path, and two peers may split nodes differently and still compare any prefix.
// Nodes live in typed arrays, sixteen children side by side; a node splits past 32 sessions and folds up below 16.
import { assert, SessionMeshError } from './errors.ts'
import { DEPTH_MAX, Entries, NONE, PACKED_BYTES } from './hash-tree-entries.ts'
import { HASH_BYTES } from './hash.ts'
import { addWords, grown, subtractWords, WIDTH, wordAt, writeWords } from './words.ts'

/** A node with at most so many sessions lists them. Part of the protocol only as advice: either form is understood. */
const LEAVES_MAX = 32
const FOLD_BELOW = 16
const FANOUT = 16

export interface HashLeaf {
  readonly session: string
  readonly digest: Uint8Array
}

/** What a peer tells of one prefix. Hashes are 16 bytes; `children` are 16 of them, one after the other. */
export type HashNode =
  | { readonly hash: Uint8Array; readonly leaves: readonly HashLeaf[] }
  | { readonly hash: Uint8Array; readonly children: Uint8Array }

const ROOT = 0
/** Words of a node: sum, sessions below it, first of its sixteen children (0: it is a leaf), head of a leaf's list. */
const STRIDE = WIDTH + 3
const COUNT = WIDTH
const CHILDREN = WIDTH + 1
const HEAD = WIDTH + 2

export class HashTree {
  readonly #entries = new Entries()
  #nodes = new Uint32Array(STRIDE)
  #nodeCount = 1
  /** Firsts of blocks of sixteen nodes that are free again. */
  readonly #freeBlocks: number[] = []

  constructor() {
    this.#put(ROOT, HEAD, NONE)
  }

  get size(): number {
    return this.#entries.size
  }

  get(id: string): Uint8Array | undefined {
    const slot = this.#entries.find(id)
    return slot === undefined ? undefined : this.#entries.digest(slot)
  }

  /** @param digest 16 bytes, as of `digestOf` */
  set(id: string, digest: Uint8Array): void {
    assert(digest.length === HASH_BYTES, `digest of ${id} has ${digest.length} bytes`)
    const known = this.#entries.find(id)
    if (known === undefined) {
      const slot = this.#entries.add(id)
      this.#entries.setDigest(slot, digest)
      this.#insert(slot)
      return
    }
    this.#eachOnPath(known, (node) => subtractWords(this.#nodes, node * STRIDE, ...this.#leaf(known)))
    this.#entries.setDigest(known, digest)
    this.#eachOnPath(known, (node) => addWords(this.#nodes, node * STRIDE, ...this.#leaf(known)))
  }

  /** What `restore` makes the same session of again, without computing a hash; undefined if it is not there. */
  pack(id: string): Uint8Array | undefined {
    const slot = this.#entries.find(id)
    return slot === undefined ? undefined : this.#entries.pack(slot)
  }

  /** Adds a session that is not there from what `pack` gave for the same id. */
  restore(id: string, packed: Uint8Array): void {
    assert(packed.length === PACKED_BYTES, `${id} can't be restored`)
    this.#insert(this.#entries.addPacked(id, packed))
  }

  /** Returns whether it was there. */
  delete(id: string): boolean {
    const slot = this.#entries.find(id)
    if (slot === undefined) return false
    let fold: number | undefined
    const leaf = this.#eachOnPath(slot, (node) => {
      subtractWords(this.#nodes, node * STRIDE, ...this.#leaf(slot))
      const count = this.#at(node, COUNT) - 1
      this.#put(node, COUNT, count)
      if (count < FOLD_BELOW && this.#at(node, CHILDREN) !== 0) fold ??= node
    })
    this.#unlink(leaf, slot)
    this.#entries.remove(slot)
    if (fold !== undefined) this.#fold(fold)
    return true
  }

  /** Hash over all sessions and their digests: 16 bytes, all zero for an empty tree. */
  root(): Uint8Array {
    return this.#sumOf(ROOT)
  }

  /**
   * What there is below a prefix, for another peer's `compareNode`.
   * @param prefix hexadecimal digits of an id's hash, at most 16; empty is the root
   * @throws INVALID_ARGUMENT if it is anything else
   */
  node(prefix: string): HashNode {
    const digits = parsePrefix(prefix)
    if (this.#slotsBelow(digits, LEAVES_MAX) !== undefined || digits.length === DEPTH_MAX)
      return { hash: this.hash(prefix), leaves: this.leaves(prefix) }
    return { hash: this.hash(prefix), children: this.children(prefix) }
  }

  /** The sum below a prefix, 16 bytes. */
  hash(prefix: string): Uint8Array {
    const digits = parsePrefix(prefix)
    const { node, exact } = this.#locate(digits)
    if (exact) return this.#sumOf(node)
    const sum = new Uint32Array(WIDTH)
    for (const slot of this.#slotsBelow(digits) ?? []) addWords(sum, 0, ...this.#leaf(slot))
    return bytesOf(sum)
  }

  /** The sums below the sixteen prefixes that are one digit longer, one after the other. */
  children(prefix: string): Uint8Array {
    const digits = parsePrefix(prefix)
    const { node, exact } = this.#locate(digits)
    const sums = new Uint32Array(FANOUT * WIDTH)
    const first = this.#at(node, CHILDREN)
    if (exact && first !== 0) {
      for (let digit = 0; digit < FANOUT; digit++) addWords(sums, digit * WIDTH, this.#nodes, (first + digit) * STRIDE)
    } else {
      for (const slot of this.#slotsBelow(digits) ?? []) {
        addWords(sums, this.#entries.digit(slot, digits.length) * WIDTH, ...this.#leaf(slot))
      }
    }
    return bytesOf(sums)
  }

  /** Every session below a prefix. */
  leaves(prefix: string): HashLeaf[] {
    const slots = this.#slotsBelow(parsePrefix(prefix)) ?? []
    return slots.map((slot) => ({ session: this.#entries.id(slot), digest: this.#entries.digest(slot) }))
  }

  #at(node: number, field: number): number {
    return wordAt(this.#nodes, node * STRIDE + field)
  }

  #put(node: number, field: number, value: number): void {
    this.#nodes[node * STRIDE + field] = value
  }

  /** Array and position of an entry's hash, for the arithmetic. */
  #leaf(slot: number): [Uint32Array, number] {
    return [this.#entries.words, this.#entries.leafAt(slot)]
  }

  #sumOf(node: number): Uint8Array {
    const sum = new Uint8Array(HASH_BYTES)
    writeWords(this.#nodes, node * STRIDE, sum, 0)
    return sum
  }

  /** Calls `visit` for every node from the root down to the entry's leaf, which it returns. */
  #eachOnPath(slot: number, visit: (node: number) => void): number {
    let node = ROOT
    for (let depth = 0; ; depth++) {
      visit(node)
      const first = this.#at(node, CHILDREN)
      if (first === 0) return node
      node = first + this.#entries.digit(slot, depth)
    }
  }

  #insert(slot: number): void {
    let depth = -1
    const leaf = this.#eachOnPath(slot, (node) => {
      addWords(this.#nodes, node * STRIDE, ...this.#leaf(slot))
      this.#put(node, COUNT, this.#at(node, COUNT) + 1)
      depth++
    })
    this.#push(leaf, slot)
    this.#split(leaf, depth)
  }

  #push(leaf: number, slot: number): void {
    this.#entries.link(slot, this.#at(leaf, HEAD))
    this.#put(leaf, HEAD, slot)
  }

  #unlink(leaf: number, slot: number): void {
    let before = NONE
    for (let at = this.#at(leaf, HEAD); at !== slot; at = this.#entries.next(at)) before = at
    const after = this.#entries.next(slot)
    if (before === NONE) this.#put(leaf, HEAD, after)
    else this.#entries.link(before, after)
  }

  /** Gives a leaf that holds too much sixteen children, and goes on where they all fell into one. */
  #split(leaf: number, depth: number): void {
    for (let node = leaf, at = depth; this.#at(node, COUNT) > LEAVES_MAX && at < DEPTH_MAX; at++) {
      const first = this.#newBlock()
      let fullest = first
      for (let slot = this.#at(node, HEAD); slot !== NONE;) {
        const next = this.#entries.next(slot)
        const child = first + this.#entries.digit(slot, at)
        addWords(this.#nodes, child * STRIDE, ...this.#leaf(slot))
        this.#put(child, COUNT, this.#at(child, COUNT) + 1)
        this.#push(child, slot)
        if (this.#at(child, COUNT) > this.#at(fullest, COUNT)) fullest = child
        slot = next
      }
      this.#put(node, HEAD, NONE)
      this.#put(node, CHILDREN, first)
      node = fullest
    }
  }

  /** Makes a leaf again of a node that has few sessions left. */
  #fold(node: number): void {
    const slots = this.#gather(node)
    this.#release(node)
    for (const slot of slots) this.#push(node, slot)
  }

  #release(node: number): void {
    const first = this.#at(node, CHILDREN)
    if (first !== 0) {
      for (let child = first; child < first + FANOUT; child++) this.#release(child)
      this.#freeBlocks.push(first)
    }
    this.#put(node, CHILDREN, 0)
    this.#put(node, HEAD, NONE)
  }

  #newBlock(): number {
    const freed = this.#freeBlocks.pop()
    const first = freed ?? this.#nodeCount
    if (freed === undefined) this.#nodeCount += FANOUT
    if (this.#nodeCount * STRIDE > this.#nodes.length) this.#nodes = grown(this.#nodes, this.#nodeCount * STRIDE)
    this.#nodes.fill(0, first * STRIDE, (first + FANOUT) * STRIDE)
    for (let child = first; child < first + FANOUT; child++) this.#put(child, HEAD, NONE)
    return first
  }

  /** The node of these digits, or (not exact) the leaf above, whose sessions go on with various digits. */
  #locate(digits: readonly number[]): { node: number; exact: boolean } {
    let node = ROOT
    for (const digit of digits) {
      const first = this.#at(node, CHILDREN)
      if (first === 0) return { node, exact: false }
      node = first + digit
    }
    return { node, exact: true }
  }

  /** The slots below a prefix, or undefined if they are more than `max`. */
  #slotsBelow(digits: readonly number[], max = Number.POSITIVE_INFINITY): number[] | undefined {
    const { node, exact } = this.#locate(digits)
    if (exact && this.#at(node, COUNT) > max) return undefined
    const slots = this.#gather(node)
    return exact ? slots : slots.filter((slot) => this.#entries.isBelow(slot, digits))
  }

  #gather(node: number, slots: number[] = []): number[] {
    const first = this.#at(node, CHILDREN)
    if (first === 0) {
      for (let slot = this.#at(node, HEAD); slot !== NONE; slot = this.#entries.next(slot)) slots.push(slot)
    } else {
      for (let child = first; child < first + FANOUT; child++) this.#gather(child, slots)
    }
    return slots
  }
}

function parsePrefix(prefix: string): number[] {
  if (!/^[0-9a-f]{0,16}$/.test(prefix)) {
    throw new SessionMeshError('INVALID_ARGUMENT', `${JSON.stringify(prefix.slice(0, 40))} is no prefix of a hash tree`)
  }
  return Array.from(prefix, (digit) => Number.parseInt(digit, 16))
}

function bytesOf(words: Uint32Array): Uint8Array {
  const bytes = new Uint8Array(4 * words.length)
  for (let at = 0; at < words.length; at += WIDTH) writeWords(words, at, bytes, 4 * at)
  return bytes
}
