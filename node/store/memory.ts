// A store without a disk: for tests, and for peers that are content with the copies of others. Keeps the Store port's
// promises but the one about power. What it was given it keeps as it is, so updates must not be changed afterwards.
import { SessionMeshError } from '../../crdt/errors.ts'
import type {
  InspectionStep,
  LogRecord,
  Store,
  StoredBase,
  StoredSession,
  StoredSummary,
  StoreReport,
  StoreView,
  Summary,
} from '../ports/store.ts'

export interface MemoryStore extends Store {
  /** The next append rejects, and is not kept. For tests. */
  failNextAppend(error: Error): void
  /** Appends wait until the returned function is called, as with a full disk. For tests. */
  fill(): () => void
}

export function createMemoryStore(): MemoryStore {
  return new InMemoryStore()
}

class InMemoryStore implements MemoryStore {
  readonly #sessions = new Map<string, { base: StoredBase | undefined; tail: LogRecord[] }>()
  readonly #summaries = new Map<string, Uint8Array>()
  readonly #meta = new Map<string, Uint8Array>()
  #open = false
  #failure: Error | undefined

  #obstacle: string | undefined
  #room: Promise<void> = Promise.resolve()

  get obstacle(): string | undefined {
    return this.#obstacle
  }

  fill(): () => void {
    let free = () => {}
    this.#obstacle = 'the disk is full'
    this.#room = new Promise((resolve) => {
      free = resolve
    })
    return () => {
      this.#obstacle = undefined
      free()
    }
  }

  failNextAppend(error: Error): void {
    this.#failure = error
  }

  async open(): Promise<StoreReport> {
    this.#open = true
    return { quarantined: 0, damage: [] }
  }

  async close(): Promise<void> {
    this.#open = false
  }

  async append(records: readonly LogRecord[]): Promise<void> {
    this.#assertOpen()
    if (this.#obstacle !== undefined) await this.#room
    const cause = this.#failure
    this.#failure = undefined
    if (cause !== undefined) throw new SessionMeshError('STORE_FAILED', cause.message, { cause })
    for (const record of records) {
      this.#of(record.session).tail.push(record)
      this.#summaries.delete(record.session)
    }
  }

  async compact(base: StoredBase): Promise<void> {
    this.#assertOpen()
    const known = this.#of(base.session)
    known.base = base
    this.#summaries.delete(base.session)
    known.tail = known.tail.filter((record) => record.sequence > base.throughSequence)
  }

  async read(session: string): Promise<StoredSession | undefined> {
    this.#assertOpen()
    const known = this.#sessions.get(session)
    return known && view(known)
  }

  async *sessions(): AsyncGenerator<{ session: string; stored: StoredSession }> {
    this.#assertOpen()
    for (const session of [...this.#sessions.keys()].toSorted()) {
      const stored = await this.read(session)
      // It may have been removed since the iteration began.
      if (stored !== undefined) yield { session, stored }
    }
  }

  view(): StoreView {
    this.#assertOpen()
    const sessions = new Map([...this.#sessions].map(([session, known]) => [session, view(known)]))
    let closed = false
    const assertOpen = () => {
      if (closed || !this.#open) throw new SessionMeshError('STORE_FAILED', 'the view is closed')
    }
    return {
      async read(session) {
        assertOpen()
        return sessions.get(session)
      },
      async *sessions() {
        assertOpen()
        for (const session of [...sessions.keys()].toSorted()) {
          const stored = sessions.get(session)
          if (stored !== undefined) yield { session, stored }
        }
      },
      async close() {
        closed = true
      },
    }
  }

  async *summaries(): AsyncGenerator<StoredSummary[]> {
    this.#assertOpen()
    const sessions = [...this.#sessions.keys()].toSorted()
    yield sessions.map((session) => ({ session, summary: this.#summaries.get(session) }))
  }

  async putSummaries(summaries: readonly Summary[]): Promise<void> {
    this.#assertOpen()
    for (const { session, summary } of summaries) {
      if (this.#sessions.has(session)) this.#summaries.set(session, summary)
    }
  }

  async *inspect(): AsyncGenerator<InspectionStep> {
    this.#assertOpen()
    yield { bytes: 0, damage: [] }
  }

  async remove(session: string): Promise<void> {
    this.#assertOpen()
    this.#sessions.delete(session)
    this.#summaries.delete(session)
  }

  async reclaim(): Promise<{ bytesBefore: number; bytesAfter: number }> {
    this.#assertOpen()
    return { bytesBefore: 0, bytesAfter: 0 }
  }

  async getMeta(key: string): Promise<Uint8Array | undefined> {
    this.#assertOpen()
    return this.#meta.get(key)
  }

  async putMeta(key: string, value: Uint8Array): Promise<void> {
    this.#assertOpen()
    this.#meta.set(key, value)
  }

  #of(session: string): { base: StoredBase | undefined; tail: LogRecord[] } {
    const known = this.#sessions.get(session) ?? { base: undefined, tail: [] }
    this.#sessions.set(session, known)
    return known
  }

  #assertOpen(): void {
    if (!this.#open) throw new SessionMeshError('STORE_FAILED', 'the store is not open')
  }
}

/** Of its own, so that later appends don't show in what was read. */
function view({ base, tail }: StoredSession): StoredSession {
  const through = base?.throughSequence ?? -1
  return { base, tail: tail.filter((record) => record.sequence > through) }
}
