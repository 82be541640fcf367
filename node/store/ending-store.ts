// A store that ends before it is closed: who still reads or writes it when a peer stops (a snapshot being written, a
// recovery, a digest) is told that the peer stops, not that the disk has failed.
import { SessionMeshError } from '../../crdt/errors.ts'
import type { Store } from '../ports/store.ts'

export interface EndingStore {
  readonly store: Store
  /** From now on everything rejects with PEER_NOT_RUNNING: new calls, calls under way that fail, and iterations. */
  readonly end: () => void
}

export function endingStore(store: Store): EndingStore {
  let ended = false
  const assertOpen = () => {
    if (ended) throw new SessionMeshError('PEER_NOT_RUNNING', 'the peer is stopping')
  }
  async function call<T>(begin: () => Promise<T>): Promise<T> {
    assertOpen()
    try {
      return await begin()
    } catch (cause) {
      assertOpen()
      throw cause
    }
  }
  async function* iterate<T>(begin: () => AsyncIterable<T>): AsyncGenerator<T> {
    assertOpen()
    try {
      for await (const item of begin()) {
        yield item
        assertOpen()
      }
    } catch (cause) {
      assertOpen()
      throw cause
    }
  }
  const ending: Store = {
    get obstacle() {
      return store.obstacle
    },
    open: () => call(() => store.open()),
    async close() {
      await store.close()
    },
    append: (records) => call(() => store.append(records)),
    compact: (base) => call(() => store.compact(base)),
    read: (session) => call(() => store.read(session)),
    sessions: () => iterate(() => store.sessions()),
    summaries: () => iterate(() => store.summaries()),
    putSummaries: (summaries) => call(() => store.putSummaries(summaries)),
    view() {
      assertOpen()
      const view = store.view()
      return {
        read: (session) => call(() => view.read(session)),
        sessions: () => iterate(() => view.sessions()),
        close: () => view.close(),
      }
    },
    inspect: () => iterate(() => store.inspect()),
    remove: (session) => call(() => store.remove(session)),
    reclaim: () => call(() => store.reclaim()),
    getMeta: (key) => call(() => store.getMeta(key)),
    putMeta: (key, value) => call(() => store.putMeta(key, value)),
  }
  return { store: ending, end: () => void (ended = true) }
}
