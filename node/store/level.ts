// The store on disk: LevelDB by way of classic-level, behind a queue that syncs writes together (group-commit.ts).
// What the bytes mean is record.ts.
//
// An error of the disk, in reading or writing, fails the store for good: reads are still tried, writes reject. A full disk
// alone is waited for. Damage
// is looked for when it opens (open-mended.ts), and in every record that is read. LevelDB itself drops a torn end of its
// own log when it opens, which holds nothing that was acknowledged.
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { ClassicLevel } from 'classic-level'
import { hasCode, SessionMeshError } from '../../crdt/errors.ts'
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
import { systemClock, type Clock } from '../ports/clock.ts'
import { BatchChain, resumeChain, stopChain } from './batch-chain.ts'
import { bringUpToFormat } from './format.ts'
import { gatherSessions } from './gather-sessions.ts'
import { GroupCommit, type Batch, type Change, type Operation } from './group-commit.ts'
import { Keystones } from './keystones.ts'
import { hasLevelCode, isLocked, isNotOpen, reasonOf } from './level-errors.ts'
import { checkTables } from './mend.ts'
import { openMended, type Opener } from './open-mended.ts'
import { Quarantine, type DamagedRecord } from './quarantine.ts'
import {
  ALL_SESSIONS,
  baseKey,
  decodeKey,
  decodeMeta,
  encodeBase,
  encodeLogRecord,
  encodeMeta,
  INDEX_RANGE,
  metaKey,
  sessionRange,
  type KeyRange,
} from './record.ts'
import { reclaim, type Reclaimed } from './reclaim.ts'
import { isFull, Room } from './room.ts'
import { SessionIndex } from './session-index.ts'

/** Entries asked of the database in one go; their bytes are bounded by the database itself (16 KiB and one entry). */
const READ_AHEAD = 256
/** The same for the index, of which a start reads all: its entries are small. */
const SCAN_AHEAD = 4_096
const SCAN_BYTES = 1024 * 1024

export interface LevelStoreOptions {
  /** Made if it is not there. Belongs to one process at a time. */
  readonly directory: string
  /** Told of each damaged record after it was set aside. Must not throw. */
  readonly onQuarantine?: (record: DamagedRecord) => void
  /** Says when to look for room on a full disk. @default the system's */
  readonly clock?: Clock
}

/** A store in a directory. Once it has failed it stays so: make another one, best in another process. */
export function createLevelStore(options: LevelStoreOptions): Store {
  return new LevelStore(options)
}

type Database = ClassicLevel<Uint8Array, Uint8Array>
type Entries = ReturnType<typeof iteratorOf>
type DatabaseSnapshot = ReturnType<Database['snapshot']>
type IteratorOptions = KeyRange & { readonly snapshot?: DatabaseSnapshot; readonly highWaterMarkBytes?: number }

class LevelStore implements Store {
  readonly #directory: string
  readonly #onQuarantine: ((record: DamagedRecord) => void) | undefined
  readonly #quarantine: Quarantine
  readonly #keystones: Keystones
  readonly #chain = new BatchChain()
  readonly #index = new SessionIndex()
  readonly #commits: GroupCommit
  #database: Database | undefined
  readonly #room: Room
  #reopening: Promise<void> = Promise.resolve()
  /** False while closing: what is in the queue is still written then. */
  #isOpen = false
  #closing: Promise<void> = Promise.resolve()

  constructor({ directory, onQuarantine, clock = systemClock }: LevelStoreOptions) {
    this.#room = new Room({
      directory,
      clock,
      isWanted: () => this.#isOpen,
      // What the failed write left of a batch is not known, and LevelDB's log is unusable behind it.
      beforeAgain: () => this.#openAnew(),
    })
    this.#directory = directory
    this.#onQuarantine = onQuarantine
    this.#quarantine = new Quarantine(directory)
    this.#keystones = new Keystones(directory)
    this.#commits = new GroupCommit({
      write: (operations) => this.#write(operations),
      toError: (cause) => this.#error('reading or writing', cause),
    })
  }

  get obstacle(): string | undefined {
    return this.#room.obstacle
  }

  async open(): Promise<StoreReport> {
    try {
      await mkdir(this.#directory, { recursive: true })
      const { database, damage } = await openMended(openerOf(join(this.#directory, 'db')), this.#quarantine)
      try {
        damage.push(...(await resumeChain(database, this.#keystones, this.#chain)))
        damage.push(...(await bringUpToFormat(database, this.#keystones, damage.length > 0)))
        const quarantined = await this.#quarantine.count()
        this.#database = database
        this.#isOpen = true
        return { quarantined, damage }
      } catch (error) {
        await database.close()
        throw error
      }
    } catch (cause) {
      if (hasCode(cause)) throw cause
      throw isLocked(cause)
        ? new SessionMeshError('STORE_LOCKED', `${this.#directory} is in use by another process`, { cause })
        : this.#error('opening', cause)
    }
  }

  close(): Promise<void> {
    if (this.#isOpen) this.#closing = this.#close()
    this.#isOpen = false
    return this.#closing
  }

  async append(records: readonly LogRecord[]): Promise<void> {
    // Encoded here, so that a record that can't be fails this call alone.
    const encoded = records.map((record) => ({ session: record.session, ...encodeLogRecord(record) }))
    return this.#commit((batch) => {
      for (const { session, key, value } of encoded) {
        this.#index.outdate(batch, session)
        batch.put(session, key, value)
      }
    })
  }

  async compact(base: StoredBase): Promise<void> {
    const { session, throughSequence } = base
    const key = baseKey(session)
    const value = encodeBase(key, base)
    return this.#commit(async (batch) => {
      for (const old of await this.#keys(session, batch)) {
        const decoded = decodeKey(old)
        if (decoded?.kind === 'log' && decoded.sequence <= throughSequence) batch.del(session, old)
      }
      this.#index.outdate(batch, session)
      batch.put(session, key, value)
    })
  }

  read(session: string): Promise<StoredSession | undefined> {
    return this.#read(session)
  }

  sessions(): AsyncGenerator<{ session: string; stored: StoredSession }> {
    return this.#stored(ALL_SESSIONS)
  }

  view(): StoreView {
    const snapshot = this.#opened().snapshot()
    return {
      read: (session) => this.#read(session, snapshot),
      sessions: () => this.#stored(ALL_SESSIONS, snapshot),
      close: () => snapshot.close(),
    }
  }

  async *inspect(): AsyncGenerator<InspectionStep> {
    this.#opened()
    for await (const { file, bytes, damaged } of checkTables(join(this.#directory, 'db'))) {
      const damage = damaged.map(({ what, length, offset }) => `${file}: ${what} damaged, ${length} bytes at ${offset}`)
      yield { bytes, damage }
    }
  }

  remove(session: string): Promise<void> {
    return this.#commit(async (batch) => {
      for (const key of await this.#keys(session, batch)) batch.del(session, key)
      this.#index.forget(batch, session)
    })
  }

  async reclaim(): Promise<Reclaimed> {
    await this.#reopening
    return this.#reading(reclaim(this.#opened(), join(this.#directory, 'db')))
  }

  async *summaries(): AsyncGenerator<StoredSummary[]> {
    const options = { ...INDEX_RANGE, highWaterMarkBytes: SCAN_BYTES }
    for await (const entries of this.#entries(options, SCAN_AHEAD)) yield entries.map(this.#index.decode)
  }

  async putSummaries(summaries: readonly Summary[]): Promise<void> {
    return this.#commit((batch) => {
      for (const { session, summary } of summaries) this.#index.summarize(batch, session, summary)
    })
  }

  async getMeta(name: string): Promise<Uint8Array | undefined> {
    const key = metaKey(name)
    await this.#reopening
    const value = await this.#reading(this.#opened().get(key))
    const meta = value && decodeMeta(key, value)
    if (meta !== undefined) return meta
    const kept = await this.#reading(this.#keystones.get(name))
    const again = kept && decodeMeta(key, kept)
    if (again !== undefined) await this.putMeta(name, again)
    // Not set aside: no replica has it, and going on without would be another peer under the same name.
    else if (value !== undefined || kept !== undefined) throw this.#corrupt(`its value ${name} is damaged`)
    return again
  }

  async putMeta(name: string, value: Uint8Array): Promise<void> {
    const key = metaKey(name)
    const encoded = encodeMeta(key, value)
    await this.#commit((batch) => batch.put('', key, encoded))
    await this.#room
      .wait(() => this.#keystones.put(name, encoded))
      .catch((cause: unknown) => {
        throw this.#commits.fail(cause)
      })
  }

  async #read(session: string, snapshot?: DatabaseSnapshot): Promise<StoredSession | undefined> {
    for await (const { stored } of this.#stored(sessionRange(session), snapshot)) return stored
    return undefined
  }

  #stored(range: KeyRange, snapshot?: DatabaseSnapshot): AsyncGenerator<{ session: string; stored: StoredSession }> {
    const entries = this.#entries(snapshot === undefined ? range : { ...range, snapshot })
    return gatherSessions(entries, (record) => this.#setAside(record))
  }

  /** As they were when the first was asked for: later writes don't show. */
  async *#entries(options: IteratorOptions, ahead = READ_AHEAD): AsyncGenerator<[Uint8Array, Uint8Array][]> {
    await this.#reopening
    const iterator = this.#iterator(options)
    try {
      for (;;) {
        const entries = await this.#reading(iterator.nextv(ahead))
        if (entries.length === 0) return
        yield entries
      }
    } finally {
      await iterator.close()
    }
  }

  #iterator(options: IteratorOptions): Entries {
    try {
      return iteratorOf(this.#opened(), options)
    } catch (cause) {
      throw isNotOpen(cause) ? this.#notOpen() : cause
    }
  }

  /** All keys of a session, written or about to be. */
  async #keys(session: string, batch: Batch): Promise<Uint8Array[]> {
    return [...(await this.#written().keys(sessionRange(session)).all()), ...batch.keysOf(session)]
  }

  /** Moves a damaged record into quarantine, unless another has taken its place since it was read. */
  async #setAside(damaged: DamagedRecord): Promise<void> {
    const { session = '', key, value } = damaged
    let moved = false
    const change: Change = async (batch) => {
      const now = await this.#written().get(key)
      if (now === undefined || !equal(now, value) || batch.keysOf(session).some((other) => equal(other, key))) return
      try {
        await this.#quarantine.add(damaged)
      } catch (cause) {
        if (isFull(cause)) return // Some other time: unread it does no harm.
        throw cause
      }
      batch.del(session, key)
      moved = true
    }
    try {
      await this.#commit(change)
    } catch {
      return // It stays where it is, unread. If the disk was at fault, every write says so from now on.
    }
    if (moved) this.#onQuarantine?.(damaged)
  }

  async #write(operations: Operation[]): Promise<void> {
    operations.push(...this.#chain.next())
    await this.#room.wait(() => this.#written().batch(operations, { sync: true }))
    this.#chain.written()
  }

  async #openAnew(): Promise<void> {
    const path = join(this.#directory, 'db')
    this.#reopening = (async () => {
      await this.#written().close()
      this.#database = await openerOf(path).open()
    })()
    await this.#reopening
  }

  async #commit(change: Change): Promise<void> {
    this.#opened()
    return this.#commits.commit(change)
  }

  async #close(): Promise<void> {
    await this.#commits.idle()
    try {
      if (this.#commits.failure === undefined) {
        await stopChain(this.#keystones, this.#chain)
      }
      await this.#written().close()
    } catch (cause) {
      throw this.#error('closing', cause)
    }
  }

  #opened(): Database {
    if (!this.#isOpen || this.#database === undefined) throw this.#notOpen()
    return this.#database
  }

  /** For what was accepted while it was open. */
  #written(): Database {
    if (this.#database === undefined) throw this.#notOpen()
    return this.#database
  }

  async #reading<T>(result: Promise<T>): Promise<T> {
    try {
      return await result
    } catch (cause) {
      throw isNotOpen(cause) ? this.#notOpen() : this.#commits.fail(cause)
    }
  }

  #notOpen(): SessionMeshError {
    return new SessionMeshError('STORE_FAILED', `the store ${this.#directory} is not open`)
  }

  #corrupt(what: string): SessionMeshError {
    return new SessionMeshError('STORE_CORRUPT', `${this.#directory}: ${what}`)
  }

  #error(doing: string, cause: unknown): SessionMeshError {
    return new SessionMeshError('STORE_FAILED', `${doing} ${this.#directory} failed: ${reasonOf(cause)}`, { cause })
  }
}

function openerOf(path: string): Opener<Database> {
  // Made where it is opened: an abstract-level database opens itself as soon as it exists.
  const make = (options: object = {}): Database =>
    new ClassicLevel<Uint8Array, Uint8Array>(path, { keyEncoding: 'view', valueEncoding: 'view', ...options })
  return {
    path,
    async open() {
      const database = make()
      await database.open()
      return database
    },
    async isLocked() {
      // Can't succeed, whether or not it is there: LevelDB looks at the lock first.
      return make({ createIfMissing: false, errorIfExists: true })
        .open()
        .then(() => false, isLocked)
    },
    repair: () => ClassicLevel.repair(path),
    // A file that is missing, or has a name that no file has, is damage to what names it.
    isDamage: (error) => hasLevelCode(error, 'LEVEL_CORRUPTION') || reasonOf(error).includes('No such file'),
  }
}

function iteratorOf(database: Database, options: IteratorOptions) {
  return database.iterator(options)
}

function equal(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0
}
