// One machine's disk, which outlives its processes, and the Store of one process on it.
//
// What it may do to a store: take long; lose, on a crash, any end of what was not yet synced (each append wholly or not
// at all, as LevelDB's batches); refuse writes when full; fail reads; let a record rot. What was synced and has not
// rotted is there after every crash. What it never does is call something synced that is not: that is a mutant's job.
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
} from '../../node/ports/store.ts'
import type { Dice } from './dice.ts'
import type { Micros } from './loop.ts'
import type { SimProcess } from './process.ts'

export interface DiskSpeed {
  /** Mean of a sync, and of a read. */
  readonly syncMean: Micros
  readonly readMean: Micros
}

interface StoredState {
  base: StoredBase | undefined
  tail: LogRecord[]
}

/** A change on its way to the disk. */
interface Pending {
  readonly apply: () => void
  readonly resolve: () => void
  readonly reject: (error: SessionMeshError) => void
}

export interface DiskEvents {
  /** A session's synced content has grown by these records. */
  readonly onSynced: (records: readonly LogRecord[]) => void
  /** A session's synced content, which was `before`, has changed otherwise. */
  readonly onRewritten: (session: string, cause: RewriteCause, before: StoredSession | undefined) => void
  /** The order has been given to remove a session: it is gone after the next sync. */
  readonly onRemoving: (session: string) => void
  /** Of the changes on their way to the disk at a crash, so many were lost. */
  readonly onLost: (changes: number) => void
}

/** `compacted` and `removed` are the peer's doing, the others are done to it. */
export type RewriteCause = 'compacted' | 'removed' | 'rotten' | 'wiped'

export class SimDisk {
  isFull = false
  failsReads = false
  /** How many times slower than usual, for what begins now. */
  slowness = 1
  readonly #speed: DiskSpeed
  readonly #dice: Dice
  readonly #events: DiskEvents
  readonly #sessions = new Map<string, StoredState>()
  readonly #meta = new Map<string, Uint8Array>()
  #pending: Pending[] = []
  #wipes = 0
  /** Records that rotted since the last wipe, by session. */
  readonly #rotten = new Map<string, number>()
  #quarantined = 0
  #hasRefused = false
  #isSyncSlow = false
  #syncing = 0

  constructor(speed: DiskSpeed, dice: Dice, events: DiskEvents) {
    this.#speed = speed
    this.#dice = dice
    this.#events = events
  }

  /** Ids of the sessions on it, in order. */
  sessions(): string[] {
    return [...this.#sessions.keys()].toSorted()
  }

  stored(session: string): StoredSession | undefined {
    const state = this.#sessions.get(session)
    if (state === undefined) return undefined
    const through = state.base?.throughSequence ?? -1
    return { base: state.base, tail: state.tail.filter((record) => record.sequence > through) }
  }

  /** Counts up whenever something of the session that had been synced was lost: what was promised of it is void then. */
  generationOf(session: string): number {
    return this.#wipes + (this.#rotten.get(session) ?? 0)
  }

  /** Whether something of the session has rotted: what is there may rest on what is not. */
  isDamaged(session: string): boolean {
    return this.#rotten.has(session)
  }

  /** A sync that began slowly goes on slowly, and what comes after it waits. */
  get isSlow(): boolean {
    return this.slowness > 1 || this.#isSyncSlow
  }

  /** Whether it has refused a write of the process: what that has in memory may be more than what it reads back. */
  get hasRefused(): boolean {
    return this.#hasRefused
  }

  /** The disk as a process sees it, from `open` until the process dies. */
  store(process: SimProcess): Store {
    this.#hasRefused = false
    return new SimStore(this, process)
  }

  /** The power goes: of what was not synced, a prefix may have made it. */
  crash(): void {
    const lucky = this.#pending.length === 0 ? 0 : this.#dice.below(this.#pending.length + 1)
    for (const { apply } of this.#pending.slice(0, lucky)) apply()
    if (lucky < this.#pending.length) this.#events.onLost(this.#pending.length - lucky)
    this.#pending = []
    this.#syncing = 0
    this.#isSyncSlow = false
  }

  /** Another disk that holds what this one has synced. */
  copy(dice: Dice): SimDisk {
    const copy = new SimDisk(this.#speed, dice, this.#events)
    for (const [session, { base, tail }] of this.#sessions) copy.#sessions.set(session, { base, tail: [...tail] })
    for (const [key, value] of this.#meta) copy.#meta.set(key, value)
    for (const [session, records] of this.#rotten) copy.#rotten.set(session, records)
    copy.#wipes = this.#wipes
    copy.#quarantined = this.#quarantined
    return copy
  }

  /** A new disk in place of the old one. */
  wipe(): void {
    const lost = this.sessions().map((session) => [session, this.stored(session)] as const)
    // Never less than before for any session, or a promise of the old disk would look kept.
    this.#wipes += 1 + Math.max(0, ...this.#rotten.values())
    this.#rotten.clear()
    this.#sessions.clear()
    this.#meta.clear()
    this.#pending = []
    this.#quarantined = 0
    for (const [session, before] of lost) this.#events.onRewritten(session, 'wiped', before)
  }

  /** One synced record goes bad, and is found to be when it is next read. Returns its session; undefined if there is none. */
  rot(): string | undefined {
    const rotten = this.#dice.below(2 ** 31)
    const sessions = this.sessions()
    const session = sessions[rotten % Math.max(1, sessions.length)]
    const state = session === undefined ? undefined : this.#sessions.get(session)
    if (session === undefined || state === undefined) return undefined
    const before = this.stored(session)
    if (state.tail.length > 0) state.tail.splice(rotten % state.tail.length, 1)
    else state.base = undefined
    if (state.base === undefined && state.tail.length === 0) this.#sessions.delete(session)
    this.#quarantined++
    this.#rotten.set(session, (this.#rotten.get(session) ?? 0) + 1)
    this.#events.onRewritten(session, 'rotten', before)
    return session
  }

  get quarantined(): number {
    return this.#quarantined
  }

  meta(key: string): Uint8Array | undefined {
    return this.#meta.get(key)
  }

  /** Queues a change; everything queued when a sync begins goes with it. */
  write(process: SimProcess, apply: () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#pending.push({ apply, resolve, reject })
      if (this.#syncing === 0) this.#sync(process)
    })
  }

  /** The time a read takes. */
  readDelay(): Micros {
    return this.#dice.exponential(this.#speed.readMean) * this.slowness
  }

  appendNow(records: readonly LogRecord[]): void {
    for (const record of records) this.#state(record.session).tail.push(record)
    this.#events.onSynced(records)
  }

  compactNow(base: StoredBase): void {
    const before = this.stored(base.session)
    const state = this.#state(base.session)
    state.base = base
    state.tail = state.tail.filter((record) => record.sequence > base.throughSequence)
    this.#events.onRewritten(base.session, 'compacted', before)
  }

  /** From then on the peer does without it. */
  removing(session: string): void {
    this.#events.onRemoving(session)
  }

  removeNow(session: string): void {
    const before = this.stored(session)
    this.#sessions.delete(session)
    this.#events.onRewritten(session, 'removed', before)
  }

  putMetaNow(key: string, value: Uint8Array): void {
    this.#meta.set(key, value)
  }

  #state(session: string): StoredState {
    const known = this.#sessions.get(session) ?? { base: undefined, tail: [] }
    this.#sessions.set(session, known)
    return known
  }

  #sync(process: SimProcess): void {
    this.#syncing = this.#pending.length
    this.#isSyncSlow = this.#syncing > 0 && this.slowness > 1
    if (this.#syncing === 0) return
    const delay = this.#speed.syncMean / 4 + this.#dice.exponential(this.#speed.syncMean)
    process.after(delay * this.slowness, () => {
      const synced = this.#pending.splice(0, this.#syncing)
      this.#syncing = 0
      if (this.isFull) this.#refuse(synced)
      else this.#finish(synced)
      this.#sync(process)
    })
  }

  #refuse(unsynced: readonly Pending[]): void {
    this.#hasRefused ||= unsynced.length > 0
    for (const { reject } of unsynced) reject(failed('no space left on device'))
  }

  #finish(synced: readonly Pending[]): void {
    for (const { apply } of synced) apply()
    for (const { resolve } of synced) resolve()
  }
}

class SimStore implements Store {
  /** A full disk refuses here, and for good: the machine's next start finds room or not. */
  readonly obstacle = undefined
  readonly #disk: SimDisk
  readonly #process: SimProcess
  #isOpen = false
  #failure: SessionMeshError | undefined

  constructor(disk: SimDisk, process: SimProcess) {
    this.#disk = disk
    this.#process = process
  }

  async open(): Promise<StoreReport> {
    await this.#delay()
    this.#isOpen = true
    return { quarantined: this.#disk.quarantined, damage: [] }
  }

  /** Keeps no summaries: every start reads all. */
  async *summaries(): AsyncGenerator<StoredSummary[]> {
    const sessions: StoredSummary[] = []
    for await (const { session } of this.sessions()) sessions.push({ session, summary: undefined })
    yield sessions
  }

  async putSummaries(): Promise<void> {}

  async *inspect(): AsyncGenerator<InspectionStep> {
    yield { bytes: 0, damage: [] }
  }

  async close(): Promise<void> {
    if (!this.#isOpen) return
    // Waits for what is under way: an empty change goes last.
    await this.#write(() => {}).catch(() => {})
    this.#isOpen = false
  }

  append(records: readonly LogRecord[]): Promise<void> {
    return this.#write(() => this.#disk.appendNow(records))
  }

  compact(base: StoredBase): Promise<void> {
    return this.#write(() => this.#disk.compactNow(base))
  }

  async read(session: string): Promise<StoredSession | undefined> {
    await this.#pause()
    return this.#disk.stored(session)
  }

  async *sessions(): AsyncGenerator<{ session: string; stored: StoredSession }> {
    await this.#pause()
    for (const session of this.#disk.sessions()) {
      const stored = this.#disk.stored(session)
      if (stored !== undefined) yield { session, stored }
    }
  }

  view(): StoreView {
    this.#assertUsable()
    const all = new Map(this.#disk.sessions().map((session) => [session, this.#disk.stored(session)]))
    const pause = () => this.#pause()
    let isClosed = false
    return {
      async read(session) {
        await pause()
        if (isClosed) throw failed('the view is closed')
        return all.get(session)
      },
      async *sessions() {
        await pause()
        if (isClosed) throw failed('the view is closed')
        for (const [session, stored] of all) if (stored !== undefined) yield { session, stored }
      },
      async close() {
        isClosed = true
      },
    }
  }

  remove(session: string): Promise<void> {
    this.#disk.removing(session)
    return this.#write(() => this.#disk.removeNow(session))
  }

  async reclaim(): Promise<{ bytesBefore: number; bytesAfter: number }> {
    this.#assertUsable()
    return { bytesBefore: 0, bytesAfter: 0 }
  }

  async getMeta(key: string): Promise<Uint8Array | undefined> {
    await this.#pause()
    return this.#disk.meta(key)
  }

  putMeta(key: string, value: Uint8Array): Promise<void> {
    return this.#write(() => this.#disk.putMetaNow(key, value))
  }

  /** After a failed write nothing is accepted any more, as the Store port says. */
  async #write(apply: () => void): Promise<void> {
    this.#assertUsable()
    if (this.#failure !== undefined) throw this.#failure
    try {
      await this.#disk.write(this.#process, apply)
    } catch (cause) {
      this.#failure = failed(cause instanceof Error ? cause.message : String(cause))
      throw this.#failure
    }
  }

  /** The time that a read takes. @throws STORE_FAILED if the store is not open, before or after */
  async #pause(): Promise<void> {
    this.#assertUsable()
    await this.#delay()
    this.#assertUsable()
  }

  async #delay(): Promise<void> {
    const delay = this.#disk.readDelay()
    await new Promise<void>((resolve) => this.#process.after(delay, resolve))
    if (this.#disk.failsReads) throw failed('input/output error')
  }

  #assertUsable(): void {
    if (!this.#isOpen) throw failed('the store is not open')
  }
}

function failed(reason: string): SessionMeshError {
  return new SessionMeshError('STORE_FAILED', reason)
}
