// From the entries of the database, in key order, to sessions. A session's keys stand together, its base first, so
// one pass with one session in memory does, however many there are.
import type { LogRecord, StoredBase, StoredSession } from '../ports/store.ts'
import type { DamagedRecord } from './quarantine.ts'
import { decodeKey, decodeRecord } from './record.ts'

type Entry = readonly [key: Uint8Array, value: Uint8Array]

/** Each session once; `onDamaged` gets what can't be read, and the rest of that session goes on. */
export async function* gatherSessions(
  chunks: AsyncIterable<readonly Entry[]>,
  onDamaged: (record: DamagedRecord) => Promise<void>,
): AsyncGenerator<{ session: string; stored: StoredSession }> {
  let session: string | undefined
  let stored: { base: StoredBase | undefined; tail: LogRecord[] } = { base: undefined, tail: [] }
  for await (const entries of chunks) {
    for (const [key, value] of entries) {
      const decoded = decodeKey(key)
      const record = decoded && decodeRecord(key, decoded, value)
      if (record === undefined) {
        await onDamaged({ session: decoded?.session, key, value })
        continue
      }
      if (record.session !== session) {
        if (session !== undefined) yield { session, stored }
        session = record.session
        stored = { base: undefined, tail: [] }
      }
      if (!('sequence' in record)) stored.base = record
      else if (stored.base === undefined || record.sequence > stored.base.throughSequence) stored.tail.push(record)
    }
  }
  if (session !== undefined) yield { session, stored }
}
