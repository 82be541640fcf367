// A recorded data directory to be damaged: several table files, a log and a manifest, and what is in it.
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as Y from 'yjs'
import { createDocument, dataOf, initializeSession } from '../../crdt/index.ts'
import type { LogRecord, Store, StoredSession } from '../../node/ports/store.ts'
import { createLevelStore } from '../../node/store/level.ts'
import { filesOf, type DamageableFile } from './damage.ts'

/** Opens of the store before the last: each leaves a table of what the log held; with more, LevelDB merges them. */
const ROUNDS = 3

export interface RecordedStore {
  readonly directory: string
  /** Files of the database and beside it, by path from `directory`, with their sizes. */
  readonly files: readonly DamageableFile[]
  /** What was stored at the end. */
  readonly sessions: ReadonlyMap<string, StoredSession>
  /** Every record and base that was ever written, as text: damage may bring back an older one, never another. */
  readonly written: ReadonlySet<string>
  readonly meta: Uint8Array
  /** A copy to damage; the caller removes it. */
  copy(): string
  remove(): void
}

export async function recordStore(sessionCount = 250): Promise<RecordedStore> {
  const directory = mkdtempSync(join(tmpdir(), 'sessionmesh-recorded-'))
  const written = new Set<string>()
  const writer = new Writer(written, sessionCount)
  const meta = new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8])
  for (let round = 0; round < ROUNDS; round++) {
    const store = createLevelStore({ directory })
    await store.open()
    if (round === 0) await store.putMeta('identity', meta)
    await writer.write(store, round)
    await store.close()
  }
  const store = createLevelStore({ directory })
  await store.open()
  await writer.write(store, ROUNDS)
  const sessions = new Map<string, StoredSession>()
  for await (const { session, stored } of store.sessions()) sessions.set(session, stored)
  await store.close()
  return {
    directory,
    files: filesOf(directory),
    sessions,
    written,
    meta,
    copy() {
      const copy = mkdtempSync(join(tmpdir(), 'sessionmesh-damaged-'))
      cpSync(directory, copy, { recursive: true })
      return copy
    },
    remove: () => rmSync(directory, { recursive: true, force: true }),
  }
}

/** One text for one record or base: equal content, equal text. */
export function textOf(record: LogRecord | NonNullable<StoredSession['base']>): string {
  return JSON.stringify({ ...record, update: Buffer.from(record.update).toString('base64') })
}

/** Grows the same sessions round by round, as documents do: later updates rest on earlier ones. */
class Writer {
  readonly #written: Set<string>
  readonly #sessionCount: number
  readonly #docs = new Map<string, { doc: Y.Doc; sequence: number }>()

  constructor(written: Set<string>, sessionCount: number) {
    this.#written = written
    this.#sessionCount = sessionCount
  }

  async write(store: Store, round: number): Promise<void> {
    for (let i = 0; i < this.#sessionCount; i++) {
      const session = `session-${String(i).padStart(3, '0')}`
      const known = this.#docs.get(session) ?? { doc: createDocument(session), sequence: 0 }
      this.#docs.set(session, known)
      const updates: Uint8Array[] = []
      const collect = (update: Uint8Array) => void updates.push(update)
      known.doc.on('update', collect)
      if (round === 0) initializeSession(known.doc, { createdAt: 1, priority: 'normal', data: { name: session } })
      dataOf(known.doc).set('round', `round ${round} of ${session} ${'.'.repeat(i)}`)
      if (i % 3 === 0) dataOf(known.doc).delete('name')
      known.doc.off('update', collect)
      const records = updates.map((update) => this.#record(session, ++known.sequence, update))
      await store.append(records)
      if (i % 5 === round) {
        const base = { session, throughSequence: known.sequence, update: Y.encodeStateAsUpdate(known.doc) }
        this.#written.add(textOf(base))
        await store.compact(base)
      }
    }
  }

  #record(session: string, sequence: number, update: Uint8Array): LogRecord {
    const record = { session, sequence, origin: 'origin', boot: 'b0', frameSequence: 0, time: 1_000 + sequence, update }
    this.#written.add(textOf(record))
    return record
  }
}
