// The store on disk: LevelDB by way of classic-level. Writes that come while one is being synced are gathered and
// synced together (group commit), in the order of the calls: a disk does some hundred syncs a second, whatever each
// carries. After a failed write nothing more is accepted: what a failed sync left on disk is not known.
import { appendFile, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { ClassicLevel } from 'classic-level'
import { SessionMeshError } from '../../crdt/errors.ts'
import type { LogRecord, Store, StoredBase, StoredSession, StoreReport } from '../ports/store.ts'
import {
  ALL_SESSIONS,
  baseKey,
  decodeBase,
  decodeKey,
  decodeLogRecord,
  encodeBase,
  encodeLogRecord,
  FORMAT_VERSION,
  logKey,
  metaKey,
  sessionRange,
} from './record.ts'

const FORMAT_KEY = 'format'
const QUARANTINE_FILE = 'quarantine.jsonl'
/** Operations synced together at most: keeps one batch's memory bounded. */
const BATCH_MAX = 4_096

type Operation =
  | { readonly type: 'put'; readonly key: Uint8Array; readonly value: Uint8Array }
  | { readonly type: 'del'; readonly key: Uint8Array }

interface Commit {
  readonly operations: () => Promise<readonly Operation[]> | readonly Operation[]
  /** Reads before it writes, so all before it must be written: it is a batch of its own. */
  readonly alone: boolean
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

export interface LevelStoreOptions {
  readonly directory: string
}

export function createLevelStore(options: LevelStoreOptions): Store {
  return new LevelStore(options.directory)
}

class LevelStore implements Store {
  readonly #directory: string
  #database: ClassicLevel<Uint8Array, Uint8Array> | undefined
  #queue: Commit[] = []
  #committing: Promise<void> | undefined
  #failure: SessionMeshError | undefined
  #open = false
  #quarantined = 0

  constructor(directory: string) {
    this.#directory = directory
  }

  async open(): Promise<StoreReport> {
    await mkdir(this.#directory, { recursive: true })
    // Made here, not in the constructor: an abstract-level database opens itself as soon as it exists.
    this.#database = new ClassicLevel(join(this.#directory, 'db'), { keyEncoding: 'view', valueEncoding: 'view' })
    try {
      await this.#database.open()
    } catch (cause) {
      throw openError(this.#directory, cause)
    }
    this.#open = true
    const format = await this.getMeta(FORMAT_KEY)
    if (format === undefined) await this.putMeta(FORMAT_KEY, new Uint8Array([FORMAT_VERSION]))
    else if (format[0] !== FORMAT_VERSION) {
      await this.close()
      const message = `${this.#directory} has data format ${format[0]}, this version reads ${FORMAT_VERSION}`
      throw new SessionMeshError('STORE_FAILED', message)
    }
    return { quarantined: this.#quarantined }
  }

  async close(): Promise<void> {
    this.#open = false
    await this.#committing
    await this.#database?.close()
  }

  get #db(): ClassicLevel<Uint8Array, Uint8Array> {
    if (this.#database === undefined) throw this.#closedError()
    return this.#database
  }

  append(records: readonly LogRecord[]): Promise<void> {
    return this.#commit(() =>
      records.map((record) => {
        const key = logKey(record.session, record.sequence)
        return { type: 'put', key, value: encodeLogRecord(key, record) }
      }),
    )
  }

  compact(base: StoredBase): Promise<void> {
    return this.#commitAlone(async () => {
      const operations: Operation[] = []
      for await (const key of this.#db.keys(sessionRange(base.session))) {
        const decoded = decodeKey(key)
        if (decoded?.kind === 'log' && decoded.sequence <= base.throughSequence) operations.push({ type: 'del', key })
      }
      const key = baseKey(base.session)
      return [...operations, { type: 'put', key, value: encodeBase(key, base) }]
    })
  }

  async read(session: string): Promise<StoredSession | undefined> {
    this.#assertOpen()
    for await (const { stored } of this.#iterate(sessionRange(session))) return stored
    return undefined
  }

  async *sessions(): AsyncGenerator<{ session: string; stored: StoredSession }> {
    this.#assertOpen()
    yield* this.#iterate(ALL_SESSIONS)
  }

  remove(session: string): Promise<void> {
    return this.#commitAlone(async () => {
      const operations: Operation[] = []
      for await (const key of this.#db.keys(sessionRange(session))) operations.push({ type: 'del', key })
      return operations
    })
  }

  async getMeta(key: string): Promise<Uint8Array | undefined> {
    this.#assertOpen()
    const value = await this.#db.get(metaKey(key))
    // A copy as plain bytes: Buffer is a Uint8Array, but does not compare or print like one.
    return value === undefined ? undefined : new Uint8Array(value)
  }

  putMeta(key: string, value: Uint8Array): Promise<void> {
    return this.#commit(() => [{ type: 'put', key: metaKey(key), value }])
  }

  /** Groups the keys of a range by session; damaged records are set aside and the rest goes on. */
  async *#iterate(range: {
    gte: Uint8Array
    lt: Uint8Array
  }): AsyncGenerator<{ session: string; stored: StoredSession }> {
    let session: string | undefined
    let base: StoredBase | undefined
    let tail: LogRecord[] = []
    for await (const [key, value] of this.#db.iterator(range)) {
      const decoded = decodeKey(key)
      if (decoded === undefined) {
        await this.#quarantine(key, value)
        continue
      }
      if (decoded.session !== session) {
        if (session !== undefined && (base !== undefined || tail.length > 0)) yield { session, stored: { base, tail } }
        session = decoded.session
        base = undefined
        tail = []
      }
      const record =
        decoded.kind === 'base'
          ? (base = decodeBase(key, session, value))
          : decodeLogRecord(key, session, decoded.sequence, value)
      if (record === undefined) await this.#quarantine(key, value)
      else if ('sequence' in record && record.sequence > (base?.throughSequence ?? 0)) tail.push(record)
    }
    if (session !== undefined && (base !== undefined || tail.length > 0)) yield { session, stored: { base, tail } }
  }

  /** Moves a damaged record out of the way, into a file beside the database, for a person to look at. */
  async #quarantine(key: Uint8Array, value: Uint8Array): Promise<void> {
    this.#quarantined++
    const line = { key: Buffer.from(key).toString('base64'), value: Buffer.from(value).toString('base64') }
    await appendFile(join(this.#directory, QUARANTINE_FILE), `${JSON.stringify(line)}\n`)
    await this.#commit(() => [{ type: 'del', key }])
  }

  #commit(operations: () => readonly Operation[]): Promise<void> {
    return this.#enqueue({ operations, alone: false })
  }

  #commitAlone(operations: Commit['operations']): Promise<void> {
    return this.#enqueue({ operations, alone: true })
  }

  #enqueue(commit: Pick<Commit, 'operations' | 'alone'>): Promise<void> {
    return new Promise((resolve, reject) => {
      if (!this.#open) {
        reject(this.#closedError())
        return
      }
      this.#queue.push({ ...commit, resolve, reject })
      this.#committing ??= this.#run()
    })
  }

  async #run(): Promise<void> {
    // Appends made together are synced together.
    await Promise.resolve()
    while (this.#queue.length > 0) {
      const alone = this.#queue.findIndex((commit) => commit.alone)
      const commits = this.#queue.splice(0, alone < 0 ? BATCH_MAX : Math.max(1, Math.min(alone, BATCH_MAX)))
      try {
        if (this.#failure !== undefined) throw this.#failure
        const batch: Operation[] = []
        for (const { operations } of commits) {
          const some = operations()
          batch.push(...(some instanceof Promise ? await some : some))
        }
        await this.#db.batch(batch, { sync: true })
        for (const { resolve } of commits) resolve()
      } catch (cause) {
        this.#failure ??= new SessionMeshError('STORE_FAILED', `writing to ${this.#directory} failed`, { cause })
        for (const { reject } of commits) reject(this.#failure)
      }
    }
    // In the same step as the loop's last look: what comes from now on starts a new run.
    this.#committing = undefined
  }

  #assertOpen(): void {
    if (!this.#open) throw this.#closedError()
  }

  #closedError(): SessionMeshError {
    return new SessionMeshError('STORE_FAILED', `the store ${this.#directory} is not open`)
  }
}

function openError(directory: string, cause: unknown): SessionMeshError {
  const inner = cause instanceof Error ? cause.cause : undefined
  if (inner instanceof Error && 'code' in inner && inner.code === 'LEVEL_LOCKED') {
    return new SessionMeshError('STORE_LOCKED', `${directory} is in use by another process`, { cause })
  }
  const reason = inner instanceof Error ? inner.message : String(cause)
  return new SessionMeshError('STORE_FAILED', `can't open ${directory}: ${reason}`, { cause })
}
