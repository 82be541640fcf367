// An open session: a live document, and writes that come with a receipt.
import type * as Y from 'yjs'
import {
  dataOf,
  deadlineOf,
  describeSession,
  digestOf,
  isTerminated,
  SessionMeshError,
  toHex,
  toJson,
  tokenOf,
  type ExpiryChange,
} from '../../crdt/index.ts'
import type { Receipt, Session, SessionView, Touched, WriteOptions } from '../api.ts'
import type { SessionPresence } from '../presence/session-presence.ts'
import type { Entry } from './entry.ts'

/** What a session needs of its peer. */
export interface SessionHost {
  /** Runs the change, gathers what it published and waits for its copies. */
  write(entry: Entry, doc: Y.Doc, change: (doc: Y.Doc) => void, options: WriteOptions): Promise<Receipt>
  /** Notes the use of a session; writes it down if need be. */
  touchOpen(entry: Entry, doc: Y.Doc, options: WriteOptions): Promise<Receipt | null>
  setExpiry(entry: Entry, doc: Y.Doc, change: ExpiryChange, options: WriteOptions): Promise<Receipt>
  release(entry: Entry): void
  present(entry: Entry): SessionPresence
  describe(entry: Entry): Pick<SessionView, 'home' | 'replicas' | 'state' | 'history'>
}

export class OpenSession implements Session {
  readonly id: string
  readonly #entry: Entry
  readonly #doc: Y.Doc
  readonly #host: SessionHost
  #closed = false
  #presence: SessionPresence | undefined

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

  get presence(): SessionPresence {
    this.#assertOpen()
    return (this.#presence ??= this.#host.present(this.#entry))
  }

  view(): SessionView {
    const doc = this.doc
    const record = describeSession(doc)
    const { priority, createdAt, ttlMs, expiresAt } = record
    const { data, ...types } = toJson(doc)
    return {
      id: this.id,
      data,
      types,
      priority,
      createdAt: createdAt ?? null,
      ttlMs: ttlMs ?? null,
      expiresAt: expiresAt ?? null,
      dueAt: deadlineOf(record) ?? null,
      ...this.#host.describe(this.#entry),
      digest: toHex(digestOf(doc)),
      token: this.token(),
    }
  }

  token(): string {
    return tokenOf(this.id, this.doc)
  }

  async transact(change: (doc: Y.Doc) => void, options: WriteOptions = {}): Promise<Receipt> {
    return this.#host.write(this.#entry, this.#lively(), change, options)
  }

  async touch(options: WriteOptions = {}): Promise<Touched> {
    const doc = this.#lively()
    const receipt = await this.#host.touchOpen(this.#entry, doc, options)
    return { session: this.id, dueAt: deadlineOf(describeSession(doc)) ?? null, receipt }
  }

  async setExpiry(change: ExpiryChange, options: WriteOptions = {}): Promise<Receipt> {
    return this.#host.setExpiry(this.#entry, this.#lively(), change, options)
  }

  set(key: string, value: unknown, options?: WriteOptions): Promise<Receipt> {
    return this.transact((doc) => void dataOf(doc).set(key, value), options)
  }

  delete(key: string, options?: WriteOptions): Promise<Receipt> {
    return this.transact((doc) => dataOf(doc).delete(key), options)
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#presence?.close()
    this.#host.release(this.#entry)
  }

  /** @throws SESSION_TERMINATED */
  #lively(): Y.Doc {
    const doc = this.doc
    if (isTerminated(doc)) throw ended(this.id, doc)
    return doc
  }

  #assertOpen(): void {
    if (this.#closed) throw new SessionMeshError('INVALID_ARGUMENT', `session ${this.id} was closed by its user`)
  }
}

/** Why a session can't be used any more. */
export function ended(id: string, doc: Y.Doc): SessionMeshError {
  const { endedBy, terminatedAt = 0 } = describeSession(doc)
  const how = endedBy === 'expiry' ? `expired at ${new Date(terminatedAt).toISOString()}` : 'is terminated'
  return new SessionMeshError('SESSION_TERMINATED', `session ${id} ${how}`)
}
