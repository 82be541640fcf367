// 128-bit numbers as four 32-bit words, least significant first, many of them side by side in one typed array.
//
// A million sessions keep several such numbers each: objects or BigInts would cost ten times the memory.

/** Words of a 128-bit number. */
export const WIDTH = 4

const CARRY = 2 ** 32

/** The word at `index`, which is inside the array: the `?? 0` only speaks to the compiler. */
export function wordAt(words: Uint32Array | Int32Array, index: number): number {
  return words[index] ?? 0
}

/** `sums[at]` += `terms[from]`, modulo 2^128. Positions count words. */
export function addWords(sums: Uint32Array, at: number, terms: Uint32Array, from: number): void {
  let carry = 0
  for (let i = 0; i < WIDTH; i++) {
    const sum = wordAt(sums, at + i) + wordAt(terms, from + i) + carry
    sums[at + i] = sum
    carry = sum >= CARRY ? 1 : 0
  }
}

/** `sums[at]` -= `terms[from]`, modulo 2^128. */
export function subtractWords(sums: Uint32Array, at: number, terms: Uint32Array, from: number): void {
  let borrow = 0
  for (let i = 0; i < WIDTH; i++) {
    const difference = wordAt(sums, at + i) - wordAt(terms, from + i) - borrow
    sums[at + i] = difference
    borrow = difference < 0 ? 1 : 0
  }
}

/** Puts 16 bytes, least significant first, at `words[at]`. */
export function readWords(bytes: Uint8Array, words: Uint32Array, at: number): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let i = 0; i < WIDTH; i++) words[at + i] = view.getUint32(4 * i, true)
}

/** Puts the number at `words[at]` into 16 bytes at `offset`. */
export function writeWords(words: Uint32Array, at: number, bytes: Uint8Array, offset: number): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let i = 0; i < WIDTH; i++) view.setUint32(offset + 4 * i, wordAt(words, at + i), true)
}

/** A copy with at least `length` words; grows by half, so that growing costs constant time a word. */
export function grown(words: Uint32Array, length: number): Uint32Array<ArrayBuffer> {
  const copy = new Uint32Array(Math.max(length, Math.ceil(words.length * 1.5)))
  copy.set(words)
  return copy
}
