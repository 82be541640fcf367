// What becomes of a session that has ended, step by step, each peer by itself:
//
//   ended ──terminatedHistoryMs──▶ its history goes; only the tombstone is left on disk
//         ──purgeAt──▶ the tombstone fades: it leaves the hash tree, but still answers and still meets late writes
//         ──a while──▶ it is forgotten
//
// `purgeAt` stands in the tombstone itself, so all peers mean the same time by it; between them are only their clocks. The
// while is much longer than clocks may differ: when the first peer forgets a tombstone, nobody has it in a tree any more and
// could bring it back to it.
import type { PurgeOptions, PurgeReport } from '../api.ts'
import type { Cancel, Clock } from '../ports/clock.ts'
import type { Store } from '../ports/store.ts'
import type { Catalog } from '../sessions/catalog.ts'
import type { Entry } from '../sessions/entry.ts'
import { delay, everyInTurn } from '../util/timers.ts'
import { Agenda } from './agenda.ts'

const TICK_MS = 250
/** Tombstones looked at in one tick. */
const TICK_MAX = 256
/** When to come back to a session that is in use. */
const AGAIN_MS = 2_000
/** A faded tombstone is kept for this share of the retention … */
const FADE_SHARE = 0.1
/** … and so many times the most by which clocks differ, at least. */
const FADE_SKEWS = 10
/** For so long after a start nothing is forgotten: others may come back as late, and need it. */
const GRACE_MAX_MS = 3_600_000

export interface RetentionOptions {
  readonly clock: Clock
  readonly catalog: () => Catalog
  readonly store: Store
  readonly tombstoneRetentionMs: number
  readonly terminatedHistoryMs: number
  readonly clockSkewMaxMs: number
  readonly returnPatienceMs: number
  /** A session is forgotten, tombstone and all. */
  readonly onForgotten: (session: string) => void
  readonly onError: (error: unknown) => void
}

export class Retention {
  readonly #options: RetentionOptions
  readonly #agenda = new Agenda()
  /** Monotonic ms. */
  #startedAt: number | undefined

  constructor(options: RetentionOptions) {
    this.#options = options
  }

  /** To be called once all sessions are read, before other peers see any of them. */
  fadeAll(): void {
    for (const entry of this.#options.catalog().entries()) this.#fade(entry)
  }

  /** When it began, monotonic ms. */
  get startedAt(): number | undefined {
    return this.#startedAt
  }

  /** For how long nothing is forgotten then: much longer than those that come back together wait for each other. */
  get graceMs(): number {
    return Math.min(this.#fadeMs(), GRACE_MAX_MS) + 2 * this.#options.returnPatienceMs
  }

  /** Whether nothing is forgotten yet since the start. */
  get isInGrace(): boolean {
    return this.#startedAt === undefined || this.#options.clock.monotonic() - this.#startedAt < this.graceMs
  }

  start(): Cancel {
    const { clock, onError } = this.#options
    this.#startedAt = clock.monotonic()
    return everyInTurn(clock, TICK_MS, () => this.#run(), onError)
  }

  /** To be called whenever what a session says of its end may have changed. */
  note(entry: Entry): void {
    const at = this.#nextAt(entry)
    if (at !== undefined) this.#agenda.note(entry, at)
  }

  /** What a tombstone made now may be forgotten at. */
  purgeAt(now: number): number {
    return now + this.#options.tombstoneRetentionMs
  }

  /** Does now what there is to do, history included that would be kept for a while, and gives the room back to the disk. */
  async purge({ dryRun = false, onProgress }: PurgeOptions = {}): Promise<PurgeReport> {
    const { clock, store, catalog } = this.#options
    const tombstones = [...catalog().entries()].filter(({ terminatedAt }) => terminatedAt !== undefined)
    const report = { dryRun, tombstones: tombstones.length, stripped: 0, forgotten: 0, busy: 0 }
    if (!dryRun) catalog().journal.assertWritable()
    for (const [done, entry] of tombstones.entries()) {
      onProgress?.({ done, total: tombstones.length })
      const step = this.#isOver(entry) ? 'forgotten' : entry.tailRecords > 0 ? 'stripped' : undefined
      if (step === undefined) continue
      if (dryRun) report[step]++
      else {
        report[(await this.#take(entry, step)) ? step : 'busy']++
        await delay(clock, 0)
      }
    }
    onProgress?.({ done: tombstones.length, total: tombstones.length })
    if (dryRun) return { ...report, bytesBefore: null, bytesAfter: null }
    return { ...report, ...(await store.reclaim()) }
  }

  async #run(): Promise<void> {
    const { clock, catalog, store } = this.#options
    if (catalog().journal.failure !== undefined || store.obstacle !== undefined) return
    for (const entry of this.#agenda.take(clock.now(), TICK_MAX)) {
      const step = this.#stepOf(entry)
      const isDone = step === undefined || (await this.#take(entry, step))
      if (catalog().get(entry.id) !== entry) continue
      if (isDone) this.note(entry)
      else this.#agenda.note(entry, clock.now() + AGAIN_MS)
    }
  }

  /** The latest step whose time has come, if it was not taken yet. */
  #stepOf(entry: Entry): 'forgotten' | 'faded' | 'stripped' | undefined {
    const { clock, catalog } = this.#options
    const { terminatedAt } = entry
    if (terminatedAt === undefined || catalog().get(entry.id) !== entry) return undefined
    const now = clock.now()
    if (this.#isOver(entry)) return 'forgotten'
    if (!entry.isFaded && now >= this.#fadeAt(entry, terminatedAt)) return 'faded'
    return entry.tailRecords > 0 && now >= this.#stripAt(terminatedAt) ? 'stripped' : undefined
  }

  /** Whether it could be done now. */
  async #take(entry: Entry, step: 'forgotten' | 'faded' | 'stripped'): Promise<boolean> {
    const catalog = this.#options.catalog()
    if (step === 'faded') {
      this.#fade(entry)
      return true
    }
    if (!catalog.isIdle(entry)) return false
    if (step === 'stripped') {
      await catalog.compaction.foldAll(entry)
      return entry.tailRecords === 0
    }
    await catalog.forget(entry)
    this.#options.onForgotten(entry.id)
    return true
  }

  #fade(entry: Entry): void {
    const { clock, catalog } = this.#options
    const { terminatedAt } = entry
    if (terminatedAt !== undefined && clock.now() >= this.#fadeAt(entry, terminatedAt)) catalog().fade(entry)
  }

  /** When the next step is due, whether or not that has passed. */
  #nextAt(entry: Entry): number | undefined {
    const { terminatedAt } = entry
    if (terminatedAt === undefined) return undefined
    const fadeAt = this.#fadeAt(entry, terminatedAt)
    const next = entry.isFaded ? fadeAt + this.#fadeMs() : fadeAt
    return entry.tailRecords > 0 ? Math.min(next, this.#stripAt(terminatedAt)) : next
  }

  #isOver(entry: Entry): boolean {
    const { terminatedAt } = entry
    const { clock } = this.#options
    if (terminatedAt === undefined || this.isInGrace) return false
    return clock.now() >= this.#fadeAt(entry, terminatedAt) + this.#fadeMs()
  }

  #stripAt(terminatedAt: number): number {
    return terminatedAt + this.#options.terminatedHistoryMs
  }

  /** Tombstones of old do not say it themselves. */
  #fadeAt({ purgeAt }: Entry, terminatedAt: number): number {
    return purgeAt ?? terminatedAt + this.#options.tombstoneRetentionMs
  }

  #fadeMs(): number {
    const { tombstoneRetentionMs, clockSkewMaxMs } = this.#options
    return Math.max(tombstoneRetentionMs * FADE_SHARE, clockSkewMaxMs * FADE_SKEWS)
  }
}
