// The entries of a hash tree, packed: per session ten words in one typed array, its id, and a place in a linked list.
//
// An entry is named by its slot, a small number that stays while the entry lives and is reused afterwards.
import { assert } from './errors.ts'
import { hash128 } from './hash.ts'
import { grown, readWords, WIDTH, wordAt, writeWords } from './words.ts'

/** No slot: the end of a list. */
export const NONE = 0xffffffff

/** Words of an entry: digest, hash of id and digest, first 64 bits of the id's hash, and the next slot of its list. */
const STRIDE = 11
const LEAF = WIDTH
const PATH = 2 * WIDTH
const NEXT = PATH + 2

/** Bytes of a packed entry. */
export const PACKED_BYTES = 4 * NEXT

/** Hexadecimal digits of the id's hash that are kept: as deep as a tree can get. */
export const DEPTH_MAX = 16

export class Entries {
  readonly #slots = new Map<string, number>()
  readonly #ids: (string | undefined)[] = []
  #words = new Uint32Array(16 * STRIDE)
  /** Head of the list of free slots. */
  #free = NONE

  get size(): number {
    return this.#slots.size
  }

  /** The array that `leafAt` points into. Changes when entries are added. */
  get words(): Uint32Array {
    return this.#words
  }

  find(id: string): number | undefined {
    return this.#slots.get(id)
  }

  add(id: string): number {
    const slot = this.#take(id)
    const hash = hash128(id)
    const view = new DataView(hash.buffer)
    this.#words[slot * STRIDE + PATH] = view.getUint32(0)
    this.#words[slot * STRIDE + PATH + 1] = view.getUint32(4)
    return slot
  }

  #take(id: string): number {
    const slot = this.#free === NONE ? this.#ids.length : this.#free
    if (slot !== this.#ids.length) this.#free = this.next(slot)
    if ((slot + 1) * STRIDE > this.#words.length) this.#words = grown(this.#words, (slot + 1) * STRIDE)
    this.#ids[slot] = id
    const before = this.#slots.size
    this.#slots.set(id, slot)
    // Not asked for before: a start adds a million, and every look into so large a map costs.
    assert(this.#slots.size > before, `${id} is there already`)
    return slot
  }

  /** Adds an entry from what `pack` gave: no hash is computed. */
  addPacked(id: string, packed: Uint8Array): number {
    const slot = this.#take(id)
    const view = new DataView(packed.buffer, packed.byteOffset, PACKED_BYTES)
    for (let at = 0; at < NEXT; at++) this.#words[slot * STRIDE + at] = view.getUint32(4 * at, true)
    return slot
  }

  /** All that is known of an entry, its id aside, in PACKED_BYTES. */
  pack(slot: number): Uint8Array {
    const packed = new Uint8Array(PACKED_BYTES)
    const view = new DataView(packed.buffer)
    for (let at = 0; at < NEXT; at++) view.setUint32(4 * at, wordAt(this.#words, slot * STRIDE + at), true)
    return packed
  }

  remove(slot: number): void {
    this.#slots.delete(this.id(slot))
    this.#ids[slot] = undefined
    this.link(slot, this.#free)
    this.#free = slot
  }

  id(slot: number): string {
    return this.#ids[slot] ?? ''
  }

  /** Where in `words` the hash of id and digest is. */
  leafAt(slot: number): number {
    return slot * STRIDE + LEAF
  }

  digest(slot: number): Uint8Array {
    const digest = new Uint8Array(4 * WIDTH)
    writeWords(this.#words, slot * STRIDE, digest, 0)
    return digest
  }

  setDigest(slot: number, digest: Uint8Array): void {
    readWords(digest, this.#words, slot * STRIDE)
    readWords(hash128(this.id(slot), digest), this.#words, this.leafAt(slot))
  }

  /** The digit of the id's hash at `depth`, 0 to 15. */
  digit(slot: number, depth: number): number {
    return (wordAt(this.#words, slot * STRIDE + PATH + (depth >>> 3)) >>> (28 - 4 * (depth & 7))) & 15
  }

  /** Whether the id's hash starts with these digits. */
  isBelow(slot: number, digits: readonly number[]): boolean {
    return digits.every((digit, depth) => this.digit(slot, depth) === digit)
  }

  next(slot: number): number {
    return wordAt(this.#words, slot * STRIDE + NEXT)
  }

  link(slot: number, next: number): void {
    this.#words[slot * STRIDE + NEXT] = next
  }
}
