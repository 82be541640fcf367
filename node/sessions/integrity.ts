// Whether what is on disk is what was logged: below the records (the store inspects itself), in each record (reading
// it checks its sum), and as a whole (what is stored of a session must make the document whose digest is in the tree).
// Run when asked, and slowly in the background all the time. What is found is mended from memory or by the replicas.
import * as Y from 'yjs'
import { digestOf, digestsEqual, waits } from '../../crdt/index.ts'
import type { IntegrityReport, SyncProgress } from '../api.ts'
import type { Cancel, Clock } from '../ports/clock.ts'
import type { Store, StoredSession } from '../ports/store.ts'
import { delay } from '../util/timers.ts'
import { buildDocument } from './at-rest.ts'
import type { Catalog } from './catalog.ts'
import type { Entry } from './entry.ts'

/** Findings and sessions that a report names; it counts all. */
const NAMED_MAX = 1_000
/** Looks at a session that goes on changing: then it is being written, and its damage shows when it is read. */
const LOOKS_MAX = 3
/** Bytes after which other work gets a turn, when nothing holds the check back. */
const TURN_BYTES = 256 * 1024

export interface IntegrityOptions {
  readonly store: Store
  readonly catalog: () => Catalog
  readonly clock: Clock
  /** Pause from one check in the background to the next. */
  readonly scrubIntervalMs: number
  /** Pace of the checks in the background; 0: there are none. */
  readonly scrubBytesPerSecond: number
  readonly onFinding: (finding: string) => void
}

type Counts = {
  -readonly [Key in keyof IntegrityReport]: IntegrityReport[Key] extends readonly string[]
    ? string[]
    : IntegrityReport[Key]
}
type Pace = (bytes: number) => Promise<void>

export class Integrity {
  readonly #options: IntegrityOptions
  #running: { promise: Promise<IntegrityReport>; progress: SyncProgress } | undefined
  #last: IntegrityReport | undefined

  constructor(options: IntegrityOptions) {
    this.#options = options
  }

  /** Of the check under way; null if there is none. */
  get progress(): SyncProgress | null {
    return this.#running?.progress ?? null
  }

  /** What the last check found, whoever asked for it. */
  get last(): IntegrityReport | undefined {
    return this.#last
  }

  /** Checks everything, as fast as other work allows. Joins a check under way. */
  validate(onProgress?: (progress: SyncProgress) => void): Promise<IntegrityReport> {
    let bytes = 0
    const pace = async (looked: number) => {
      bytes += looked
      if (bytes < TURN_BYTES) return
      bytes = 0
      await delay(this.#options.clock, 0)
    }
    return this.#run(pace, onProgress)
  }

  /** Goes on for ever, one check after the other. */
  start(): Cancel {
    const { clock, scrubIntervalMs, scrubBytesPerSecond, onFinding } = this.#options
    if (scrubBytesPerSecond === 0) return () => {}
    let isOn = true
    const pace = (bytes: number) => delay(clock, (bytes / scrubBytesPerSecond) * 1_000)
    const scrub = async () => {
      while (isOn) {
        await delay(clock, scrubIntervalMs)
        // A store that has failed or closed is not the scrub's finding.
        if (isOn)
          await this.#run(pace, undefined, () => isOn).catch((error: unknown) => isOn && onFinding(String(error)))
      }
    }
    void scrub()
    return () => {
      isOn = false
    }
  }

  #run(pace: Pace, onProgress?: (progress: SyncProgress) => void, isOn = () => true): Promise<IntegrityReport> {
    if (this.#running !== undefined) return this.#running.promise
    const progress = { done: 0, total: this.#options.catalog().held }
    const tick = () => {
      progress.done++
      onProgress?.({ ...progress })
    }
    onProgress?.({ ...progress })
    const promise = this.#check(pace, tick, isOn).finally(() => {
      this.#running = undefined
    })
    this.#running = { promise, progress }
    return promise
  }

  async #check(pace: Pace, tick: () => void, isOn: () => boolean): Promise<IntegrityReport> {
    const { store, clock } = this.#options
    const startedAt = clock.monotonic()
    const report: Counts = {
      healthy: true,
      sessions: 0,
      records: 0,
      bytes: 0,
      damaged: 0,
      damagedSessions: [],
      findings: [],
      durationMs: 0,
    }
    for await (const { bytes, damage } of store.inspect()) {
      report.bytes += bytes
      for (const finding of damage) this.#found(report, finding)
      await pace(bytes)
      if (!isOn()) return report
    }
    await this.#checkSessions(report, pace, tick, isOn)
    report.healthy = report.damaged === 0 && report.findings.length === 0
    report.durationMs = Math.round(clock.monotonic() - startedAt)
    this.#last = report
    return report
  }

  async #checkSessions(report: Counts, pace: Pace, tick: () => void, isOn: () => boolean): Promise<void> {
    const catalog = this.#options.catalog()
    const seen = new Set<string>()
    for await (const { session, stored } of this.#options.store.sessions()) {
      seen.add(session)
      const entry = catalog.get(session)
      const bytes = bytesOf(stored)
      report.sessions++
      report.records += stored.tail.length + (stored.base === undefined ? 0 : 1)
      report.bytes += bytes
      if (entry !== undefined && this.#isDamaged(entry, stored, entry.sequence) !== false)
        await this.#look(report, entry)
      tick()
      await pace(bytes)
      if (!isOn()) return
    }
    // Sessions of which nothing is left on disk were not met above.
    for (const entry of catalog.entries()) {
      if (entry.sequence > 0 && !seen.has(entry.id)) await this.#look(report, entry)
    }
  }

  /** Reads a session by itself: the pass over all of them may have seen it as it was long ago. */
  async #look(report: Counts, entry: Entry): Promise<void> {
    const catalog = this.#options.catalog()
    for (let looks = 0; looks < LOOKS_MAX; looks++) {
      await catalog.settle(new Set([entry.shard]))
      await catalog.journal.flush()
      const { sequence } = entry
      const stored = await this.#options.store.read(entry.id)
      if (catalog.get(entry.id) !== entry) return
      const isDamaged = this.#isDamaged(entry, stored ?? { base: undefined, tail: [] }, sequence)
      if (isDamaged === undefined) continue
      if (!isDamaged) return
      report.damaged++
      if (report.damagedSessions.length < NAMED_MAX) report.damagedSessions.push(entry.id)
      this.#options.onFinding(`session ${entry.id}: what is on disk is less than what was logged`)
      return this.#mend(entry)
    }
  }

  /** One session, for whoever has a reason to look; sees to what is missing. */
  async check(entry: Entry): Promise<'sound' | 'damaged' | 'busy'> {
    const { sequence } = entry
    const stored = await this.#options.store.read(entry.id)
    // Forgotten meanwhile.
    if (this.#options.catalog().get(entry.id) !== entry) return 'sound'
    const isDamaged = this.#isDamaged(entry, stored ?? { base: undefined, tail: [] }, sequence)
    if (isDamaged !== true) return isDamaged === undefined ? 'busy' : 'sound'
    this.#options.onFinding(`session ${entry.id}: what is on disk is less than what was logged`)
    await this.#mend(entry)
    return 'damaged'
  }

  /** Undefined while the session changes. `sequence` is the entry's from before the store was read. */
  #isDamaged(entry: Entry, stored: StoredSession, sequence: number): boolean | undefined {
    const { journal } = this.#options.catalog()
    if (!journal.isWritten(entry) || entry.dirtySince !== undefined || entry.sequence !== sequence) return undefined
    const doc = buildDocument(entry.id, stored, undefined)
    try {
      // A faded tombstone has no digest any more.
      if (entry.isFaded) return waits(doc)
      const digest = this.#options.catalog().tree(entry.shard).get(entry.id)
      return waits(doc) || digest === undefined || !digestsEqual(digest, digestOf(doc))
    } finally {
      doc.destroy()
    }
  }

  /** From memory if it is there, else the replicas have to. */
  async #mend(entry: Entry): Promise<void> {
    const catalog = this.#options.catalog()
    if (entry.doc === undefined) catalog.suspect(entry)
    else await catalog.journal.compact(entry, Y.encodeStateAsUpdate(entry.doc))
  }

  #found(report: Counts, finding: string): void {
    if (report.findings.length < NAMED_MAX) report.findings.push(finding)
    this.#options.onFinding(finding)
  }
}

function bytesOf({ base, tail }: StoredSession): number {
  return tail.reduce((sum, { update }) => sum + update.length, base?.update.length ?? 0)
}
