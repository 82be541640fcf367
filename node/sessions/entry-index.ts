// The entries of a catalog: by id, by shard, and in each shard's hash tree.
import { concatenate, HashTree, parseSessionId, SessionMeshError, shardOf } from '../../crdt/index.ts'
import { newEntry, type Entry } from './entry.ts'

export class EntryIndex {
  readonly #entries = new Map<string, Entry>()
  readonly #shards: Set<Entry>[]
  readonly #trees: HashTree[]
  #made = 0
  /** Shard roots, concatenated; undefined when one has changed since. */
  #roots: Uint8Array | undefined

  constructor(shardCount: number) {
    this.#trees = Array.from({ length: shardCount }, () => new HashTree())
    this.#shards = Array.from({ length: shardCount }, () => new Set())
  }

  get size(): number {
    return this.#entries.size
  }

  /** Entries made so far, those that were admitted not among them. */
  get made(): number {
    return this.#made
  }

  get(id: string): Entry | undefined {
    return this.#entries.get(id)
  }

  /** The entry of `id`, made if need be. @throws INVALID_SESSION_ID */
  ensure(id: string): Entry {
    const known = this.#entries.get(id)
    if (known !== undefined) return known
    const entry = newEntry(parseSessionId(id), shardOf(id, this.#shards.length))
    this.#made++
    this.#entries.set(id, entry)
    this.#shards[entry.shard]?.add(entry)
    return entry
  }

  /** Takes an entry in whose digest is in its tree already. */
  admit(entry: Entry): void {
    this.#entries.set(entry.id, entry)
    this.#shards[entry.shard]?.add(entry)
    this.#roots = undefined
  }

  all(): IterableIterator<Entry> {
    return this.#entries.values()
  }

  of(shard: number): ReadonlySet<Entry> {
    return this.#shards[shard] ?? new Set()
  }

  tree(shard: number): HashTree {
    const tree = this.#trees[shard]
    if (tree === undefined) throw new SessionMeshError('INVALID_MESSAGE', `there is no shard ${shard}`)
    return tree
  }

  setDigest(entry: Entry, digest: Uint8Array): void {
    this.tree(entry.shard).set(entry.id, digest)
    this.#roots = undefined
  }

  remove(entry: Entry): void {
    this.#entries.delete(entry.id)
    this.#shards[entry.shard]?.delete(entry)
    this.unlist(entry)
  }

  /** Takes it out of its tree alone. */
  unlist(entry: Entry): void {
    if (this.tree(entry.shard).delete(entry.id)) this.#roots = undefined
  }

  /** Shard roots, concatenated; the same object as long as none has changed. */
  roots(): Uint8Array {
    return (this.#roots ??= concatenate(this.#trees.map((tree) => tree.root())))
  }
}
