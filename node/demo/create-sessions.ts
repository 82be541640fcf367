// Sessions made in batches, each written down in the ledger before it counts.
import type { AdminClient } from '../cli/client.ts'
import { SessionMeshError } from '../../crdt/errors.ts'
import type { Ledger } from './ledger.ts'

const BATCH = 250

interface BatchAnswer {
  readonly results: readonly { readonly receipt?: object; readonly error?: { readonly message: string } }[]
}

/** Creates `count` sessions with content and waits until each is acknowledged. */
export async function createSessions(
  client: AdminClient,
  ledger: Ledger,
  count: number,
  onCreated: (count: number) => void,
): Promise<string[]> {
  const ids = Array.from({ length: count }, (_, i) => `session-${String(i).padStart(6, '0')}`)
  for (let i = 0; i < ids.length; i += BATCH) {
    const slice = ids.slice(i, i + BATCH)
    const writes = slice.map((session, j) => ({ session, create: true, set: contentOf(i + j) }))
    const { results } = (await client.call('POST', '/v1/batch', { writes })) as BatchAnswer
    for (const [index, { session, set }] of writes.entries()) {
      const error = results[index]?.error
      if (error !== undefined) throw new SessionMeshError('STORE_FAILED', `creating ${session}: ${error.message}`)
      ledger.acknowledge(session, set)
    }
    onCreated(slice.length)
  }
  return ids
}

/** Something like a shop's session. */
function contentOf(i: number): Record<string, unknown> {
  return { user: `user-${i}`, locale: i % 2 === 0 ? 'en' : 'de', cart: [{ item: `sku-${i % 97}`, count: 1 + (i % 5) }] }
}
