// An open session: a live document, and writes that come with a receipt.
import type * as Y from 'yjs'
import {
  dataOf,
  describeSession,
  digestOf,
  isTerminated,
  SessionMeshError,
  terminateSession,
  toHex,
  toJson,
} from '../../crdt/index.ts'
import type { Receipt, Session, SessionView, WriteOptions } from '../api.ts'
import type { Entry } from './entry.ts'

/** What a session needs of its peer. */
export interface SessionHost {
  /** Runs the change, gathers what it published and waits for its copies. */
  write(entry: Entry, doc: Y.Doc, change: (doc: Y.Doc) => void, options: WriteOptions): Promise<Receipt>
  release(entry: Entry): void
  describe(entry: Entry): Pick<SessionView, 'home' | 'state' | 'history'>
}

export class OpenSession implements Session {
  readonly id: string
  readonly #entry: Entry
  readonly #doc: Y.Doc
  readonly #host: SessionHost
  #closed = false

  constructor(entry: Entry, doc: Y.Doc, host: SessionHost) {
    this.id = entry.id
    this.#entry = entry
    this.#doc = doc
    this.#host = host
  }

  get doc(): Y.Doc {
    this.#assertOpen()
    return this.#doc
  }

  get data(): Y.Map<unknown> {
    return dataOf(this.doc)
  }

  view(): SessionView {
    const doc = this.doc
    const { priority, createdAt } = describeSession(doc)
    const { data, ...types } = toJson(doc)
    return {
      id: this.id,
      data,
      types,
      priority,
      createdAt: createdAt ?? null,
      ...this.#host.describe(this.#entry),
      digest: toHex(digestOf(doc)),
    }
  }

  async transact(change: (doc: Y.Doc) => void, options: WriteOptions = {}): Promise<Receipt> {
    const doc = this.doc
    if (isTerminated(doc)) {
      throw new SessionMeshError('SESSION_TERMINATED', `session ${this.id} is terminated`)
    }
    return this.#host.write(this.#entry, doc, change, options)
  }

  set(key: string, value: unknown, options?: WriteOptions): Promise<Receipt> {
    return this.transact((doc) => void dataOf(doc).set(key, value), options)
  }

  delete(key: string, options?: WriteOptions): Promise<Receipt> {
    return this.transact((doc) => dataOf(doc).delete(key), options)
  }

  /** Ends the session for ever: remove wins over any concurrent write. */
  terminate(at: number, options: WriteOptions = {}): Promise<Receipt> {
    return this.transact((doc) => terminateSession(doc, at), options)
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#host.release(this.#entry)
  }

  #assertOpen(): void {
    if (this.#closed) throw new SessionMeshError('INVALID_ARGUMENT', `session ${this.id} was closed by its user`)
  }
}
