// A recorded data directory to be damaged: several table files, a log and a manifest, and what is in it.
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as Y from 'yjs'
import { createDocument, dataOf, initializeSession } from '../../crdt/index.ts'
import type { LogRecord, Store, StoredSession } from '../../node/ports/store.ts'
import { createLevelStore } from '../../node/store/level.ts'

const SESSIONS = 250
/** Opens of the store before the last: each leaves a table of what the log held; with more, LevelDB merges them. */
const ROUNDS = 3

export interface RecordedStore {
  readonly directory: string
  /** Files of the database and beside it, by path from `directory`, with their sizes. */
  readonly files: readonly { readonly path: string; readonly bytes: number }[]
  /** What was stored at the end. */
  readonly sessions: ReadonlyMap<string, StoredSession>
  /** Every record and base that was ever written, as text: damage may bring back an older one, never another. */
  readonly written: ReadonlySet<string>
  readonly meta: Uint8Array
  /** A copy to damage; the caller removes it. */
  copy(): string
  remove(): void
}

export async function recordStore(): Promise<RecordedStore> {
  const directory = mkdtempSync(join(tmpdir(), 'sessionmesh-recorded-'))
  const written = new Set<string>()
  const writer = new Writer(written)
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

export type Damage =
  | { readonly kind: 'flip'; readonly path: string; readonly at: number; readonly bit: number }
  | { readonly kind: 'truncate'; readonly path: string; readonly at: number }
  | { readonly kind: 'remove'; readonly path: string }

export function inflict(directory: string, damage: Damage): void {
  const path = join(directory, damage.path)
  if (damage.kind === 'remove') {
    rmSync(path)
    return
  }
  const bytes = readFileSync(path)
  if (damage.kind === 'truncate') {
    writeFileSync(path, bytes.subarray(0, damage.at))
    return
  }
  bytes[damage.at] = (bytes[damage.at] ?? 0) ^ (1 << damage.bit)
  writeFileSync(path, bytes)
}

/** Grows the same sessions round by round, as documents do: later updates rest on earlier ones. */
class Writer {
  readonly #written: Set<string>
  readonly #docs = new Map<string, { doc: Y.Doc; sequence: number }>()

  constructor(written: Set<string>) {
    this.#written = written
  }

  async write(store: Store, round: number): Promise<void> {
    for (let i = 0; i < SESSIONS; i++) {
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

/** All files below a directory, by path from there. */
export function filesOf(directory: string, below = ''): { path: string; bytes: number }[] {
  return readdirSync(join(directory, below), { withFileTypes: true }).flatMap((entry) => {
    const path = join(below, entry.name)
    if (entry.isDirectory()) return filesOf(directory, path)
    return [{ path, bytes: statSync(join(directory, path)).size }]
  })
}

/** A small generator of our own: the same places for the same seed, on every machine. */
export function randomOf(seed: number): (below: number) => number {
  let state = seed >>> 0
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}
