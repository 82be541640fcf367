// The hash over a whole set of sessions, from their digests in any order and in constant memory: what the roots of a
// peer's hash trees hash to. A snapshot carries it, and a peer restored from it has the same.
import { assert } from './errors.ts'
import { HASH_BYTES, hash128 } from './hash.ts'
import { shardOf } from './ids.ts'
import { addWords, readWords, WIDTH, writeWords } from './words.ts'

export class ContentHash {
  readonly #sums: Uint32Array
  readonly #shardCount: number
  readonly #term = new Uint32Array(WIDTH)

  constructor(shardCount: number) {
    this.#shardCount = shardCount
    this.#sums = new Uint32Array(shardCount * WIDTH)
  }

  /** Takes in one session; each may come only once. */
  add(session: string, digest: Uint8Array): void {
    assert(digest.length === HASH_BYTES, `digest of ${session} has ${digest.length} bytes`)
    readWords(hash128(session, digest), this.#term, 0)
    addWords(this.#sums, shardOf(session, this.#shardCount) * WIDTH, this.#term, 0)
  }

  /** The hash over all that was added. */
  value(): Uint8Array {
    const roots = new Uint8Array(this.#shardCount * HASH_BYTES)
    for (let at = 0; at < this.#sums.length; at += WIDTH) writeWords(this.#sums, at, roots, at * 4)
    return hash128(roots)
  }
}
