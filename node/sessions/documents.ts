// The documents of sessions: those in use, and a bounded number of idle ones. A document in use is always up to date. An
// idle one is not: updates that come for it wait until somebody wants to see it, and are then applied together, because
// most of what an update costs Yjs comes with the transaction, not with the update.
import type * as Y from 'yjs'
import {
  applyInspected,
  createDocument,
  decodeStateVector,
  encodeStateVector,
  sessionMapOf,
  stateVectorOf,
} from '../../crdt/index.ts'
import type { Store } from '../ports/store.ts'
import { buildDocument, lacks } from './at-rest.ts'
import type { Entry } from './entry.ts'
import type { Journal } from './journal.ts'

/** Transaction origin of everything that was not changed here: it came from another peer, or from disk. */
const REMOTE = Symbol('sessionmesh:remote')
/** Bytes that may wait for one idle document. */
const WAITING_BYTES_MAX = 256 * 1024

export interface DocumentsOptions {
  readonly store: Store
  readonly journal: Journal
  readonly hydratedSessionsMax: number
  /** Yjs client id to write under (DESIGN.md section 5): never one that an earlier boot used. */
  readonly clientIdOf: (entry: Entry) => number
  /** Digest that the session must have, if it has not changed since it was computed. */
  readonly digestOf: (entry: Entry) => Uint8Array | undefined
  /** What was read from disk is less than what was logged. */
  readonly onLoss: (entry: Entry) => void
  /** The document was changed on this peer. */
  readonly onLocal: (entry: Entry, update: Uint8Array) => void
  /** What the session says of itself may have changed. */
  readonly onRecord: (entry: Entry, doc: Y.Doc) => void
  /** The document, up to date, is about to be let go. */
  readonly onEvict: (entry: Entry, doc: Y.Doc) => void
  readonly onError: (error: unknown) => void
}

export class Documents {
  readonly #options: DocumentsOptions
  /** Hydrated entries without handles, least recently used first. */
  readonly #idle = new Set<Entry>()

  constructor(options: DocumentsOptions) {
    this.#options = options
  }

  /** The session's live document, hydrated if need be; every call needs its `release`. */
  async acquire(entry: Entry): Promise<Y.Doc> {
    entry.handles++
    this.#idle.delete(entry)
    try {
      if (entry.doc === undefined && entry.sequence === 0) entry.doc = this.#new(entry)
      if (entry.doc === undefined) return await (entry.hydrating ??= this.#hydrate(entry))
      this.#catchUp(entry, entry.doc)
      this.#observe(entry, entry.doc)
      return entry.doc
    } catch (error) {
      this.release(entry)
      throw error
    }
  }

  release(entry: Entry): void {
    entry.handles--
    if (entry.handles > 0 || entry.doc === undefined) return
    if (entry.observer !== undefined) entry.doc.off('update', entry.observer)
    entry.observer = undefined
    this.#idle.add(entry)
    this.#evict()
  }

  /** The one update that a session consists of, if that is so and there is no document. */
  async atRest(entry: Entry): Promise<Uint8Array | undefined> {
    const isAtRest = () => entry.sequence === 1 && entry.doc === undefined && entry.hydrating === undefined
    if (!isAtRest() || !this.#options.journal.isWritten(entry)) return undefined
    const stored = await this.#options.store.read(entry.id)
    const [record] = stored?.tail ?? []
    return isAtRest() && stored?.base === undefined && record?.sequence === 1 ? record.update : undefined
  }

  /** Gives a session that is new here its document: it has nothing on disk to be read, and will be wanted soon. */
  adopt(entry: Entry): void {
    entry.doc = this.#new(entry)
    this.#idle.add(entry)
    this.#evict()
  }

  /** Applies an update at once to a document that is there. Whether it brought anything new. */
  apply(entry: Entry, doc: Y.Doc, update: Uint8Array): boolean {
    this.#catchUp(entry, doc)
    const news = this.#apply(entry, doc, [update])
    if (news && entry.observer === undefined) this.#options.onRecord(entry, doc)
    return news
  }

  /**
   * Keeps an update, which is in `entry.clocks` already, until the document is wanted; one that is only on disk will
   * have it from there.
   */
  defer(entry: Entry, update: Uint8Array, isUrgent: boolean): void {
    if (entry.doc === undefined && entry.hydrating === undefined) return
    entry.waiting ??= []
    entry.waiting.push(update)
    entry.waitingBytes += update.length
    if (entry.doc !== undefined && (isUrgent || entry.waitingBytes > WAITING_BYTES_MAX)) this.#catchUp(entry, entry.doc)
  }

  /** Forgets the document of a session that nobody uses. */
  drop(entry: Entry): void {
    this.#idle.delete(entry)
    entry.doc?.destroy()
    entry.doc = undefined
  }

  #new(entry: Entry): Y.Doc {
    const doc = createDocument(entry.id)
    doc.clientID = this.#options.clientIdOf(entry)
    return doc
  }

  async #hydrate(entry: Entry): Promise<Y.Doc> {
    const { store, journal, clientIdOf, digestOf, onLoss, onRecord } = this.#options
    try {
      // What is still on its way to the disk would not be read; what is logged from now on waits.
      if (!journal.isWritten(entry)) await journal.settled()
      const doc = buildDocument(entry.id, (await store.read(entry.id)) ?? { base: undefined, tail: [] }, REMOTE)
      const logged = entry.clocks ?? decodeStateVector(entry.stateVector)
      entry.doc = doc
      entry.clocks = undefined
      const waiting = takeWaiting(entry)
      // What rests on something that is not on disk any more waits: that is a loss, and told as one.
      if (waiting.length > 0) applyInspected(doc, waiting, REMOTE)
      if (lacks(doc, logged, digestOf(entry))) onLoss(entry)
      doc.clientID = clientIdOf(entry)
      // What came while there was no document has told nobody yet.
      onRecord(entry, doc)
      this.#observe(entry, doc)
      return doc
    } finally {
      entry.hydrating = undefined
    }
  }

  #catchUp(entry: Entry, doc: Y.Doc): void {
    if (entry.waiting === undefined) return
    const updates = takeWaiting(entry)
    entry.clocks = undefined
    this.#apply(entry, doc, updates)
    this.#options.onRecord(entry, doc)
  }

  #apply(entry: Entry, doc: Y.Doc, updates: readonly Uint8Array[]): boolean {
    const { news, pending } = applyInspected(doc, updates, REMOTE)
    if (pending) this.#options.onError(new Error(`updates of session ${entry.id} left structs pending`))
    return news
  }

  #observe(entry: Entry, doc: Y.Doc): void {
    if (entry.observer !== undefined) return
    const record = sessionMapOf(doc)
    entry.observer = (update, origin, _doc, transaction) => {
      const changed: ReadonlyMap<unknown, unknown> = transaction.changed
      // At once, not with the digest: who has just created or terminated a session must see that.
      if (changed.has(record)) this.#options.onRecord(entry, doc)
      if (origin !== REMOTE) this.#options.onLocal(entry, update)
    }
    doc.on('update', entry.observer)
  }

  #evict(): void {
    for (const entry of this.#idle) {
      if (this.#idle.size <= this.#options.hydratedSessionsMax) return
      this.#idle.delete(entry)
      if (entry.doc === undefined) continue
      this.#catchUp(entry, entry.doc)
      this.#options.onEvict(entry, entry.doc)
      entry.stateVector = encodeStateVector(stateVectorOf(entry.doc))
      entry.doc.destroy()
      entry.doc = undefined
    }
  }
}

function takeWaiting(entry: Entry): readonly Uint8Array[] {
  const { waiting = [] } = entry
  entry.waiting = undefined
  entry.waitingBytes = 0
  return waiting
}
