// A store without a disk: for tests, and for peers that are content with the copies of others. Keeps the Store port's
// promises but the one about power.
import { SessionMeshError } from '../../crdt/errors.ts'
import type { LogRecord, Store, StoredBase, StoredSession } from '../ports/store.ts'

export interface MemoryStore extends Store {
  /** The next append rejects, and is not kept. For tests. */
  failNextAppend(error: Error): void
}

export function createMemoryStore(): MemoryStore {
  const sessions = new Map<string, { base: StoredBase | undefined; tail: LogRecord[] }>()
  const meta = new Map<string, Uint8Array>()
  let open = false
  let failure: Error | undefined
  const assertOpen = () => {
    if (!open) throw new SessionMeshError('STORE_FAILED', 'the store is not open')
  }
  const view = ({ base, tail }: StoredSession): StoredSession => ({ base, tail: [...tail] })
  const of = (session: string) => {
    const known = sessions.get(session) ?? { base: undefined, tail: [] }
    sessions.set(session, known)
    return known
  }
  return {
    failNextAppend(error) {
      failure = error
    },
    async open() {
      open = true
      return { quarantined: 0 }
    },
    async close() {
      open = false
    },
    async append(records: readonly LogRecord[]) {
      assertOpen()
      const cause = failure
      failure = undefined
      if (cause !== undefined) throw new SessionMeshError('STORE_FAILED', cause.message, { cause })
      for (const record of records) of(record.session).tail.push(record)
    },
    async compact(base: StoredBase) {
      assertOpen()
      const known = of(base.session)
      known.base = base
      known.tail = known.tail.filter((record) => record.sequence > base.throughSequence)
    },
    async read(session: string) {
      assertOpen()
      const known = sessions.get(session)
      return known === undefined ? undefined : view(known)
    },
    async *sessions() {
      assertOpen()
      for (const session of [...sessions.keys()].toSorted()) yield { session, stored: view(of(session)) }
    },
    async remove(session: string) {
      assertOpen()
      sessions.delete(session)
    },
    async getMeta(key: string) {
      assertOpen()
      return meta.get(key)
    },
    async putMeta(key: string, value: Uint8Array) {
      assertOpen()
      meta.set(key, value)
    },
  }
}
