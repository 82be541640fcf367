// The catalog: every session this peer holds, its digest in the shard's hash tree, and its document while in use.
//
// One way in for every change, local or remote: it is applied to the document if that is hydrated, appended to the
// journal, and the session's digest is marked stale; `settle` recomputes stale digests later, in one go for many
// changes. An update for a cold session is journalled from its bytes alone: its dependencies are checked against the
// stored state vector, no document is built.
import * as Y from 'yjs'
import {
  applyRemote,
  concatenate,
  createDocument,
  decodeStateVector,
  digestOf,
  encodeStateVector,
  HashTree,
  advance,
  inspectUpdate,
  integrable,
  parseSessionId,
  SessionMeshError,
  shardOf,
  stateVectorOf,
  type StateVector,
  type UpdateShape,
} from '../../crdt/index.ts'
import type { Clock } from '../ports/clock.ts'
import type { Store } from '../ports/store.ts'
import { delay } from '../util/timers.ts'
import { buildDocument, describeEntry, lacks } from './at-rest.ts'
import { Compaction } from './compaction.ts'
import { newEntry, type Entry } from './entry.ts'
import { Journal, type Source } from './journal.ts'
import { Loading } from './load.ts'
import { Summaries } from './summaries.ts'

/** Transaction origin of everything that came from another peer. */
const REMOTE = Symbol('sessionmesh:remote')
/** Transaction origin of loading from disk. */
const LOADING = Symbol('sessionmesh:loading')
const PARKED_MAX = 256
/** Digests computed before other work gets a turn. */
const SETTLE_SLICE = 256

export interface CatalogOptions {
  readonly store: Store
  readonly clock: Clock
  readonly shardCount: number
  readonly hydratedSessionsMax: number
  readonly updateBytesMax: number
  readonly sessionBytesMax: number
  readonly historyRecordsMax: number
  readonly historyBytesMax: number
  /** Yjs client id of this boot (DESIGN.md section 5): never one that an earlier boot used. */
  readonly clientId: number
  /** Another one, for a session that has lost writings of `clientId`. */
  readonly newClientId: () => number
  readonly self: Source
  /** A change was made on this peer, and is on its way to disk. */
  readonly onLocalUpdate: (entry: Entry, update: Uint8Array, onDisk: Promise<void>) => void
  /** A session was changed, here or elsewhere, and the change is on its way to disk. */
  readonly onChanged: (session: string) => void
  readonly onError: (error: unknown) => void
}

/** `parked`: a dependency is missing; it is integrated, and can be acknowledged, once that has come. */
export type Received = 'logged' | 'known' | 'parked'

export class Catalog {
  readonly journal: Journal
  readonly compaction: Compaction
  readonly summaries: Summaries
  /** Where the entries come from when a peer starts. */
  readonly loading: Loading
  readonly #options: CatalogOptions
  readonly #entries = new Map<string, Entry>()
  readonly #trees: HashTree[]
  readonly #dirty = new Set<Entry>()
  /** Hydrated entries without handles, least recently used first. */
  readonly #idle = new Set<Entry>()
  /** Sessions found to have lost something on disk, and the client id that they are written under since. */
  readonly #damaged = new Map<string, number>()
  #terminated = 0
  #parked = 0
  /** Shard roots, concatenated; undefined when one has changed since. */
  #roots: Uint8Array | undefined

  constructor(options: CatalogOptions) {
    this.#options = options
    this.journal = new Journal(options.store, options.clock)
    const onFolded = (entry: Entry) => this.summaries.outdate(entry)
    this.compaction = new Compaction({ ...options, journal: this.journal, onFolded })
    const tree = (shard: number) => this.tree(shard)
    this.summaries = new Summaries({
      ...options,
      isHeld: (entry) => this.#entries.get(entry.id) === entry,
      stateVector: (entry) => this.stateVectorBytes(entry.id),
      tree,
    })
    this.loading = new Loading({
      ...options,
      tree,
      get: (id) => this.#entries.get(id),
      admit: (entry) => this.#admit(entry),
      outdated: (entry) => this.summaries.outdate(entry),
    })
    this.#trees = Array.from({ length: options.shardCount }, () => new HashTree())
  }

  get(id: string): Entry | undefined {
    return this.#entries.get(id)
  }

  /** The entry of `id`, made if need be. @throws INVALID_SESSION_ID */
  ensure(id: string): Entry {
    const known = this.#entries.get(id)
    if (known !== undefined) return known
    const entry = newEntry(parseSessionId(id), shardOf(id, this.#options.shardCount))
    this.#entries.set(id, entry)
    return entry
  }

  #admit(entry: Entry): void {
    this.#entries.set(entry.id, entry)
    this.#roots = undefined
    if (entry.terminatedAt !== undefined) this.#terminated++
  }

  entries(): IterableIterator<Entry> {
    return this.#entries.values()
  }

  /** Encoded state vector of what is held of a session; empty if nothing is. */
  stateVectorBytes(id: string): Uint8Array {
    const entry = this.#entries.get(id)
    if (entry === undefined) return new Uint8Array()
    return entry.doc === undefined ? entry.stateVector : Y.encodeStateVector(entry.doc)
  }

  /** Sessions held and not terminated. */
  get size(): number {
    return this.#entries.size - this.#terminated
  }

  /** Sessions held, tombstones included. */
  get held(): number {
    return this.#entries.size
  }

  get parkedUpdates(): number {
    return this.#parked
  }

  tree(shard: number): HashTree {
    const tree = this.#trees[shard]
    if (tree === undefined) throw new SessionMeshError('INVALID_MESSAGE', `there is no shard ${shard}`)
    return tree
  }

  /**
   * Takes in an update from another peer, or many merged into one by an exchange (whose limit is a session's). On disk once `journal.flush()` resolves.
   * @throws INVALID_UPDATE, UPDATE_TOO_LARGE, INVALID_SESSION_ID, STORE_FAILED: nothing was changed
   */
  receive(id: string, update: Uint8Array, source: Source, bytesMax = this.#options.updateBytesMax): Received {
    this.journal.assertWritable()
    if (update.length > bytesMax) {
      throw new SessionMeshError(
        'UPDATE_TOO_LARGE',
        `update of ${update.length} bytes for ${JSON.stringify(id.slice(0, 300))}`,
      )
    }
    const shape = inspectUpdate(update)
    const entry = this.ensure(id)
    const received = this.#integrate(entry, update, shape, source)
    if (received === 'logged' && entry.parked.length > 0) this.#retryParked(entry, source)
    return received
  }

  /** The session's live document, hydrated if need be; every call needs its `release`. */
  async acquire(entry: Entry): Promise<Y.Doc> {
    entry.handles++
    this.#idle.delete(entry)
    try {
      if (entry.doc === undefined && entry.sequence === 0) this.#enliven(entry, createDocument(entry.id))
      return entry.doc ?? (await (entry.hydrating ??= this.#hydrate(entry)))
    } catch (error) {
      this.release(entry)
      throw error
    }
  }

  release(entry: Entry): void {
    entry.handles--
    if (entry.handles > 0 || entry.doc === undefined) return
    this.#idle.add(entry)
    this.#evict()
  }

  /** Recomputes the stale digests of these shards, as far as they were stale when called. */
  async settle(shards?: ReadonlySet<number>): Promise<void> {
    const stale = [...this.#dirty].filter((entry) => shards === undefined || shards.has(entry.shard))
    await this.#settleAll(stale)
  }

  /** Recomputes digests that have not changed for `quietMs`, or have been stale for `maxMs`. */
  async settleQuiet(quietMs: number, maxMs: number): Promise<void> {
    const now = this.#options.clock.monotonic()
    const due = [...this.#dirty].filter(
      (entry) => now - entry.dirtyLast >= quietMs || now - (entry.dirtySince ?? now) >= maxMs,
    )
    await this.#settleAll(due)
  }

  /** Shard roots, concatenated; not to be written to. Every heartbeat, out or in, looks at them: they are kept. */
  roots(): Uint8Array {
    return (this.#roots ??= concatenate(this.#trees.map((tree) => tree.root())))
  }

  async #settleAll(stale: readonly Entry[]): Promise<void> {
    let sinceYield = 0
    for (const entry of stale) {
      if (entry.dirtySince === undefined) continue
      const doc = await this.acquire(entry)
      this.#summarize(entry, doc)
      this.release(entry)
      if (++sinceYield % SETTLE_SLICE === 0) await delay(this.#options.clock, 0)
    }
  }

  /** Takes in what an exchange brought: as large as a whole session may be. */
  receiveDiff(id: string, update: Uint8Array, source: Source): Received {
    return this.receive(id, update, source, this.#options.sessionBytesMax)
  }

  #integrate(entry: Entry, update: Uint8Array, shape: UpdateShape, source: Source): Received {
    const stateVector = this.#stateVector(entry)
    if (!integrable(shape, stateVector)) return this.#park(entry, update)
    // A session that is new here has nothing on disk: its document costs no read, and its digest will be wanted soon.
    if (entry.sequence === 0 && entry.doc === undefined && entry.hydrating === undefined) this.#adopt(entry)
    if (entry.doc === undefined) {
      entry.stateVector = encodeStateVector(advance(stateVector, shape))
    } else if (!this.#apply(entry.doc, update)) {
      return 'known'
    }
    void this.journal.append(entry, update, source)
    this.#changed(entry)
    return 'logged'
  }

  /** Whether the update brought anything new. */
  #apply(doc: Y.Doc, update: Uint8Array): boolean {
    let news = false
    const listener = () => {
      news = true
    }
    doc.on('update', listener)
    try {
      if (applyRemote(doc, update, REMOTE)) {
        this.#options.onError(new Error(`update of session ${doc.guid} left structs pending`))
      }
    } finally {
      doc.off('update', listener)
    }
    return news
  }

  #park(entry: Entry, update: Uint8Array): Received {
    if (entry.parked.length < PARKED_MAX) {
      entry.parked.push(update)
      this.#parked++
    }
    return 'parked'
  }

  /** Integrates what has its dependencies now; each success may free another. */
  #retryParked(entry: Entry, source: Source): void {
    let progress = true
    while (progress && entry.parked.length > 0) {
      const waiting = entry.parked
      entry.parked = []
      this.#parked -= waiting.length
      for (const update of waiting) this.#integrate(entry, update, inspectUpdate(update), source)
      progress = entry.parked.length < waiting.length
    }
  }

  #stateVector(entry: Entry): StateVector {
    return entry.doc === undefined ? decodeStateVector(entry.stateVector) : stateVectorOf(entry.doc)
  }

  #stale(entry: Entry): void {
    const now = this.#options.clock.monotonic()
    entry.dirtySince ??= now
    entry.dirtyLast = now
    this.#dirty.add(entry)
    this.summaries.outdate(entry)
  }

  #changed(entry: Entry): void {
    this.#stale(entry)
    this.#options.onChanged(entry.id)
    // At once, not with the digest: who has just created or terminated a session must see that.
    if (entry.doc !== undefined) this.#describe(entry, entry.doc)
    this.compaction.consider(entry)
  }

  #adopt(entry: Entry): void {
    this.#enliven(entry, createDocument(entry.id))
    if (entry.handles === 0) {
      this.#idle.add(entry)
      this.#evict()
    }
  }

  /** Makes a loaded document the session's live one. */
  #enliven(entry: Entry, doc: Y.Doc): Y.Doc {
    doc.clientID = this.#damaged.get(entry.id) ?? this.#options.clientId
    doc.on('update', (update: Uint8Array, origin: unknown) => {
      if (origin !== REMOTE && origin !== LOADING) this.#local(entry, update)
    })
    entry.doc = doc
    return doc
  }

  async #hydrate(entry: Entry): Promise<Y.Doc> {
    try {
      const stored = await this.#options.store.read(entry.id)
      const doc = buildDocument(entry.id, stored ?? { base: undefined, tail: [] }, LOADING)
      for (const update of entry.unread) Y.applyUpdate(doc, update, LOADING)
      const digest = entry.dirtySince === undefined ? this.tree(entry.shard).get(entry.id) : undefined
      if (lacks(doc, entry.stateVector, digest)) this.suspect(entry)
      return this.#enliven(entry, doc)
    } finally {
      entry.hydrating = undefined
      if (entry.appending === 0) entry.unread.clear()
    }
  }

  /**
   * Less of the session is on disk than was logged. Its digest is computed anew, from what is there: it then differs
   * from that of the replicas, and anti-entropy brings the rest. What this boot wrote may be among what is lost, so its
   * client id is not used there again.
   */
  suspect(entry: Entry): void {
    this.#damaged.set(entry.id, this.#options.newClientId())
    this.#stale(entry)
    this.#options.onError(new Error(`session ${entry.id} has lost something on disk; the replicas are asked for it`))
  }

  #local(entry: Entry, update: Uint8Array): void {
    const onDisk = this.journal.append(entry, update, this.#options.self)
    this.#changed(entry)
    this.#options.onLocalUpdate(entry, update, onDisk)
  }

  /** What the peer keeps in memory of a session's own words. */
  #describe(entry: Entry, doc: Y.Doc): void {
    const before = entry.terminatedAt
    describeEntry(entry, doc)
    if ((before === undefined) !== (entry.terminatedAt === undefined)) this.#terminated += before === undefined ? 1 : -1
  }

  #summarize(entry: Entry, doc: Y.Doc): void {
    this.tree(entry.shard).set(entry.id, digestOf(doc))
    this.#roots = undefined
    this.#describe(entry, doc)
    entry.dirtySince = undefined
    this.#dirty.delete(entry)
  }

  #evict(): void {
    for (const entry of this.#idle) {
      if (this.#idle.size <= this.#options.hydratedSessionsMax) return
      this.#idle.delete(entry)
      if (entry.doc === undefined) continue
      if (entry.dirtySince !== undefined) this.#summarize(entry, entry.doc)
      entry.stateVector = encodeStateVector(stateVectorOf(entry.doc))
      entry.doc.destroy()
      entry.doc = undefined
    }
  }
}
