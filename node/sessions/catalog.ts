// The catalog: every session this peer holds, its digest in the shard's hash tree, and by way of documents.ts its document
// while in use.
//
// One way in for every change, local or remote: it is appended to the journal, goes into the document if there is one,
// and the session's digest is marked stale; `settle` recomputes stale digests later, in one go for many changes. Whether
// an update can be integrated is told by its bytes and the session's state vector: no document is built for that.
import * as Y from 'yjs'
import {
  assert,
  decodeStateVector,
  digestOf,
  encodeStateVector,
  type HashTree,
  inspectUpdate,
  movedBy,
  SESSION_MAP,
  SessionMeshError,
  stateVectorOf,
  type UpdateShape,
} from '../../crdt/index.ts'
import type { Clock } from '../ports/clock.ts'
import type { Store } from '../ports/store.ts'
import { delay } from '../util/timers.ts'
import { describeEntry } from './at-rest.ts'
import { Compaction } from './compaction.ts'
import { Documents } from './documents.ts'
import { ClientIds } from './client-ids.ts'
import { EntryIndex } from './entry-index.ts'
import { isHeld, type Entry } from './entry.ts'
import { Journal, type Source } from './journal.ts'
import { otherLife } from './lives.ts'
import { Loading } from './load.ts'
import { Summaries } from './summaries.ts'

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
  /** Draws a Yjs client id that nobody ever used (DESIGN.md section 5). */
  readonly newClientId: () => number
  readonly self: Source
  /** A change was made on this peer, and is on its way to disk. */
  readonly onLocalUpdate: (entry: Entry, update: Uint8Array, onDisk: Promise<void>) => void
  /** A session was changed, here or elsewhere, and the change is on its way to disk. */
  readonly onChanged: (session: string) => void
  /** A tombstone was forgotten, because its id is in use again. */
  readonly onSucceeded: (session: string) => void
  /** What the entry says of its session's record may have changed. */
  readonly onDescribed: (entry: Entry) => void
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
  readonly #index: EntryIndex
  readonly #dirty = new Set<Entry>()
  readonly #clientIds: ClientIds
  readonly #documents: Documents
  #terminated = 0
  #parked = 0

  constructor(options: CatalogOptions) {
    this.#options = options
    this.#index = new EntryIndex(options.shardCount)
    this.#clientIds = new ClientIds(options.newClientId)
    this.journal = new Journal(options.store, options.clock)
    const onFolded = (entry: Entry) => this.summaries.outdate(entry)
    this.compaction = new Compaction({ ...options, journal: this.journal, onFolded })
    this.#documents = this.#makeDocuments()
    const tree = (shard: number) => this.tree(shard)
    this.summaries = new Summaries({
      ...options,
      isHeld: (entry) => this.get(entry.id) === entry,
      stateVector: (entry) => this.stateVectorBytes(entry.id),
      tree,
    })
    this.loading = new Loading({
      ...options,
      tree,
      get: (id) => this.get(id),
      made: () => this.#index.made,
      admit: (entry) => this.#admit(entry),
      outdated: (entry) => this.summaries.outdate(entry),
    })
  }

  #makeDocuments(): Documents {
    return new Documents({
      ...this.#options,
      journal: this.journal,
      clientIdOf: (entry) => (entry.clientId ??= this.#clientIds.for(entry.id)),
      digestOf: (entry) => (entry.dirtySince === undefined ? this.tree(entry.shard).get(entry.id) : undefined),
      onLocal: (entry, update) => this.#local(entry, update),
      onRecord: (entry, doc) => this.#describe(entry, doc),
      onLoss: (entry) => this.suspect(entry),
      onEvict: (entry, doc) => {
        if (entry.dirtySince !== undefined) this.#summarize(entry, doc)
      },
    })
  }

  get(id: string): Entry | undefined {
    return this.#index.get(id)
  }

  /** The entry of `id`, made if need be. @throws INVALID_SESSION_ID */
  ensure(id: string): Entry {
    return this.#index.ensure(id)
  }

  #admit(entry: Entry): void {
    this.#index.admit(entry)
    if (entry.terminatedAt !== undefined) this.#terminated++
    this.#options.onDescribed(entry)
  }

  entries(): IterableIterator<Entry> {
    return this.#index.all()
  }

  /** The entries of one shard. */
  entriesOf(shard: number): ReadonlySet<Entry> {
    return this.#index.of(shard)
  }

  /** Whether nothing is under way with the session that `forget` would pull the ground from under. */
  isIdle(entry: Entry): boolean {
    const isUsed = entry.handles > 0 || entry.hydrating !== undefined
    return !isUsed && this.journal.isWritten(entry) && !this.compaction.isFolding(entry)
  }

  /** Lets go of an idle session: what was held of it is removed, from memory now and from the disk when it resolves. */
  async forget(entry: Entry): Promise<void> {
    assert(this.isIdle(entry) && this.get(entry.id) === entry, `session ${entry.id} is forgotten while in use`)
    this.#index.remove(entry)
    this.#dirty.delete(entry)
    this.#documents.drop(entry)
    this.#parked -= entry.parked.length
    if (entry.terminatedAt !== undefined) this.#terminated--
    if (entry.wrote) this.#clientIds.retire(entry.id)
    if (entry.sequence > 0) await this.journal.remove(entry)
  }

  /** Takes a tombstone out of the hash tree, for good: nobody is to ask for it any more, though it still answers. */
  fade(entry: Entry): void {
    entry.isFaded = true
    this.#index.unlist(entry)
  }

  /** Encoded state vector of what is held of a session; empty if nothing is. */
  stateVectorBytes(id: string): Uint8Array {
    const entry = this.get(id)
    if (entry === undefined) return new Uint8Array()
    if (entry.clocks !== undefined) return encodeStateVector(entry.clocks)
    return entry.doc === undefined ? entry.stateVector : Y.encodeStateVector(entry.doc)
  }

  /** Sessions held and not terminated. */
  get size(): number {
    return this.#index.size - this.#terminated
  }

  /** Sessions held, tombstones included. */
  get held(): number {
    return this.#index.size
  }

  get parkedUpdates(): number {
    return this.#parked
  }

  tree(shard: number): HashTree {
    return this.#index.tree(shard)
  }

  /**
   * Takes in an update from another peer. On disk once `journal.flush()` resolves.
   * @throws INVALID_UPDATE, UPDATE_TOO_LARGE, INVALID_SESSION_ID, STORE_FAILED: nothing was changed
   */
  receive(id: string, update: Uint8Array, source: Source): Received {
    return this.#receive(id, update, source, { bytesMax: this.#options.updateBytesMax, atOnce: false })
  }

  /**
   * Takes in what an exchange brought: many updates merged into one, as large as a whole session may be. Some of it is
   * often known; a document that is there is asked.
   */
  receiveDiff(id: string, update: Uint8Array, source: Source): Received {
    return this.#receive(id, update, source, { bytesMax: this.#options.sessionBytesMax, atOnce: true })
  }

  /** Whether what is here is a tombstone, and the update of a session that was created under its id since. */
  isSucceededBy(entry: Entry, update: Uint8Array): boolean {
    if (entry.purgeAt === undefined) return false
    return otherLife(entry, () => this.#clocks(entry), inspectUpdate(update), update) === 'later'
  }

  /** The session's live document, hydrated if need be; every call needs its `release`. */
  acquire(entry: Entry): Promise<Y.Doc> {
    return this.#documents.acquire(entry)
  }

  release(entry: Entry): void {
    this.#documents.release(entry)
  }

  /** All of a session that has been written to once and is not in use, as that update: no document is built for it. */
  atRest(entry: Entry): Promise<Uint8Array | undefined> {
    return this.#documents.atRest(entry)
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
    return this.#index.roots()
  }

  /** @throws what went wrong first, once every other digest is settled */
  async #settleAll(stale: readonly Entry[]): Promise<void> {
    const errors: unknown[] = []
    let sinceYield = 0
    for (const entry of stale) {
      if (entry.dirtySince === undefined) continue
      try {
        const doc = await this.acquire(entry)
        this.#summarize(entry, doc)
        this.release(entry)
      } catch (error) {
        errors.push(error)
      }
      if (++sinceYield % SETTLE_SLICE === 0) await delay(this.#options.clock, 0)
    }
    if (errors.length > 0) throw errors[0]
  }

  #receive(id: string, update: Uint8Array, source: Source, how: { bytesMax: number; atOnce: boolean }): Received {
    this.journal.assertWritable()
    if (update.length > how.bytesMax) {
      throw new SessionMeshError(
        'UPDATE_TOO_LARGE',
        `update of ${update.length} bytes for ${JSON.stringify(id.slice(0, 300))}`,
      )
    }
    const shape = inspectUpdate(update)
    const here = this.get(id)
    const other = here === undefined ? undefined : otherLife(here, () => this.#clocks(here), shape, update)
    if (other === 'earlier') return 'known'
    if (other === 'unsure' || (here !== undefined && other === 'later' && !this.#makeWay(here))) return 'parked'
    const entry = this.ensure(id)
    const received = this.#integrate(entry, update, shape, source, how.atOnce)
    if (received === 'logged' && entry.parked.length > 0) this.#retryParked(entry, source)
    // It brought nothing of a session that is not here, or no longer: nothing is kept of that.
    if (received === 'known' && !isHeld(entry) && entry.parked.length === 0) this.#index.remove(entry)
    return received
  }

  /** Forgets a tombstone whose id is in use again; whether that could be done now. */
  #makeWay(entry: Entry): boolean {
    if (!this.isIdle(entry)) return false
    // A store that fails says so itself, through the journal.
    this.forget(entry).catch(() => {})
    this.#options.onSucceeded(entry.id)
    return true
  }

  /** @param atOnce into an idle document too, to know whether it brings anything */
  #integrate(entry: Entry, update: Uint8Array, shape: UpdateShape, source: Source, atOnce: boolean): Received {
    const clocks = this.#clocks(entry)
    const moved = movedBy(shape, clocks)
    if (moved === undefined) return this.#park(entry, update)
    if (moved.size === 0 && shape.deletes.size === 0) return 'known'
    if (entry.sequence === 0 && entry.doc === undefined && entry.hydrating === undefined) this.#documents.adopt(entry)
    if (entry.doc !== undefined && (entry.handles > 0 || atOnce)) {
      if (!this.#documents.apply(entry, entry.doc, update)) return 'known'
    } else {
      for (const [client, clock] of moved) clocks.set(client, clock)
      entry.clocks = clocks
      this.#documents.defer(entry, update, shape.roots.includes(SESSION_MAP))
    }
    void this.journal.append(entry, update, source)
    this.#changed(entry)
    return 'logged'
  }

  #park(entry: Entry, update: Uint8Array): Received {
    // An exchange brings the same again for as long as what it rests on is missing.
    const isKnown = entry.parked.some((known) => Buffer.compare(known, update) === 0)
    if (!isKnown && entry.parked.length < PARKED_MAX) {
      entry.parked = [...entry.parked, update]
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
      for (const update of waiting) this.#integrate(entry, update, inspectUpdate(update), source, false)
      progress = entry.parked.length < waiting.length
    }
  }

  /** The state vector of all that is logged; the caller's own, but for the one that the entry keeps. */
  #clocks(entry: Entry): Map<number, number> {
    if (entry.clocks !== undefined) return entry.clocks
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
    this.compaction.consider(entry)
  }

  /**
   * Less of the session is on disk than was logged. Its digest is computed anew, from what is there: it then differs
   * from that of the replicas, and anti-entropy brings the rest. What this boot wrote may be among what is lost, so its
   * client id is not used there again.
   */
  suspect(entry: Entry): void {
    this.#clientIds.retire(entry.id)
    entry.clientId = undefined
    this.#stale(entry)
    this.#options.onError(new Error(`session ${entry.id} has lost something on disk; the replicas are asked for it`))
  }

  #local(entry: Entry, update: Uint8Array): void {
    entry.wrote = true
    const onDisk = this.journal.append(entry, update, this.#options.self)
    this.#changed(entry)
    this.#options.onLocalUpdate(entry, update, onDisk)
  }

  /** What the peer keeps in memory of a session's own words. */
  #describe(entry: Entry, doc: Y.Doc): void {
    const before = entry.terminatedAt
    describeEntry(entry, doc)
    if ((before === undefined) !== (entry.terminatedAt === undefined)) this.#terminated += before === undefined ? 1 : -1
    this.#options.onDescribed(entry)
  }

  #summarize(entry: Entry, doc: Y.Doc): void {
    // Of a session that has lost all that can be read, nobody else has anything to compare.
    if (stateVectorOf(doc).size === 0) this.#index.unlist(entry)
    else if (!entry.isFaded) this.#index.setDigest(entry, digestOf(doc))
    entry.dirtySince = undefined
    this.#dirty.delete(entry)
  }
}
