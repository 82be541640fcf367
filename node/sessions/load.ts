// Where the catalog's entries come from when a peer starts: the summaries in the store's index where they hold, else the
// sessions themselves. Other work gets its turn all the time: a peer serves while it loads, for a session that is asked
// for is brought at once.
import { digestOf, encodeStateVector, shardOf, stateVectorOf, type HashTree } from '../../crdt/index.ts'
import type { Clock } from '../ports/clock.ts'
import type { Store, StoredSession } from '../ports/store.ts'
import { delay } from '../util/timers.ts'
import { buildDocument, describeEntry } from './at-rest.ts'
import { newEntry, type Entry } from './entry.ts'
import { SummaryReader } from './summary.ts'

/** Sessions taken before other work gets a turn. */
const SLICE = 256
/** Summaries taken before other work gets a turn: some thirty milliseconds. */
const SUMMARIES_SLICE = 1_024
/** Past this share of all sessions, one pass over the store is quicker than reading them one by one. */
const MANY = 0.2

export interface LoadingOptions {
  readonly store: Store
  readonly clock: Clock
  readonly shardCount: number
  readonly tree: (shard: number) => HashTree
  readonly get: (session: string) => Entry | undefined
  /** Entries that were made so far without its doing. */
  readonly made: () => number
  /** Puts a new entry, whose digest is in the tree, among the others. */
  readonly admit: (entry: Entry) => void
  /** Its summary does not hold. */
  readonly outdated: (entry: Entry) => void
}

export class Loading {
  readonly #options: LoadingOptions
  #isDone = false
  /** Whether some session was brought before its turn. */
  #hasBrought = false

  constructor(options: LoadingOptions) {
    this.#options = options
  }

  get isDone(): boolean {
    return this.#isDone
  }

  async run(): Promise<void> {
    const { store, clock } = this.#options
    const reader = new SummaryReader()
    const outdated = new Set<string>()
    let count = 0
    for await (const summaries of store.summaries()) {
      for (const { session, summary } of summaries) {
        if (summary === undefined || !this.#restore(session, summary, reader)) outdated.add(session)
        if (++count % SUMMARIES_SLICE === 0) await delay(clock, 0)
      }
      await delay(clock, 0)
    }
    if (outdated.size > count * MANY) await this.#takeFromAll(outdated)
    else await this.#takeEach([...outdated])
    this.#isDone = true
  }

  /** The entry of a session, from the store if loading has not come to it yet; undefined if it is not held. */
  async bring(session: string): Promise<Entry | undefined> {
    const { store, get } = this.#options
    if (!this.#isDone && get(session) === undefined) {
      const stored = await store.read(session)
      if (stored !== undefined) this.#take(session, stored)
      this.#hasBrought = true
    }
    return get(session)
  }

  #restore(session: string, summary: Uint8Array, reader: SummaryReader): boolean {
    const { shardCount, tree, get, made, admit } = this.#options
    // A million looks into the map are worth sparing while nobody else puts anything there.
    if ((this.#hasBrought || made() > 0) && get(session) !== undefined) return true
    const entry = newEntry(session, shardOf(session, shardCount))
    if (!reader.restore(entry, tree(entry.shard), summary)) return false
    admit(entry)
    return true
  }

  #take(session: string, stored: StoredSession): void {
    const { shardCount, tree, get, admit, outdated } = this.#options
    // It may have been brought, and written to, since it was read.
    if (get(session) !== undefined) return
    const entry = newEntry(session, shardOf(session, shardCount))
    const { base, tail } = stored
    entry.sequence = tail.at(-1)?.sequence ?? base?.throughSequence ?? 0
    entry.tailRecords = tail.length
    entry.tailBytes = tail.reduce((sum, record) => sum + record.update.length, 0)
    entry.baseBytes = base?.update.length ?? 0
    const doc = buildDocument(session, stored, undefined)
    entry.stateVector = encodeStateVector(stateVectorOf(doc))
    tree(entry.shard).set(session, digestOf(doc))
    describeEntry(entry, doc)
    doc.destroy()
    admit(entry)
    outdated(entry)
  }

  async #takeFromAll(wanted: ReadonlySet<string>): Promise<void> {
    const { store, clock } = this.#options
    let taken = 0
    for await (const { session, stored } of store.sessions()) {
      if (!wanted.has(session)) continue
      this.#take(session, stored)
      if (++taken % SLICE === 0) await delay(clock, 0)
    }
  }

  async #takeEach(wanted: readonly string[]): Promise<void> {
    const { store, clock } = this.#options
    for (let at = 0; at < wanted.length; at += SLICE) {
      const sessions = wanted.slice(at, at + SLICE)
      const read = await Promise.all(sessions.map((session) => store.read(session)))
      for (const [index, session] of sessions.entries()) {
        const stored = read[index]
        if (stored !== undefined) this.#take(session, stored)
      }
      await delay(clock, 0)
    }
  }
}
