// A store full of small sessions, made without a peer: what very many of them cost is measured, not their creation.
import * as Y from 'yjs'
import { createDocument, initializeSession } from '../crdt/index.ts'
import { createLevelStore } from '../node/store/level.ts'

const APPEND = 2_000
const CREATED_AT = 1_700_000_000_000

export interface SmallSessions {
  /** Bytes of all their updates. */
  readonly bytes: number
}

export function smallSessionId(n: number): string {
  return `session-${String(n).padStart(9, '0')}`
}

/** @param padding characters of text in each, beside some sixty bytes of other data */
export async function makeSmallSessions(directory: string, count: number, padding = 0): Promise<SmallSessions> {
  const store = createLevelStore({ directory })
  await store.open()
  let bytes = 0
  for (let from = 0; from < count; from += APPEND) {
    const records = Array.from({ length: Math.min(APPEND, count - from) }, (_, i) => {
      const session = smallSessionId(from + i)
      const update = updateOf(session, from + i, padding)
      bytes += update.length
      const source = { origin: 'bench', boot: 'b0', frameSequence: 0 }
      return { session, sequence: 1, ...source, time: CREATED_AT, update }
    })
    await store.append(records)
  }
  await store.close()
  return { bytes }
}

function updateOf(id: string, n: number, padding: number): Uint8Array {
  const doc = createDocument(id)
  doc.clientID = 1 + (n % 7)
  const priority = n % 1_000 === 0 ? 'critical' : 'normal'
  const text = padding > 0 ? { text: String(n).padEnd(padding, '.') } : {}
  initializeSession(doc, { createdAt: CREATED_AT, priority, data: { user: `user-${n}`, items: n % 10, ...text } })
  const update = Y.encodeStateAsUpdate(doc)
  doc.destroy()
  return update
}
