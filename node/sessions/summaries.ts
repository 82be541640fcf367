// Keeps the store's index of sessions current, so that a start reads summaries instead of sessions. A session is
// summarized once it has been quiet for a while: one that is written to all the time would be marked and summarized in
// turn for nothing. After a crash only those that were busy then are read as a whole.
import type { HashTree } from '../../crdt/index.ts'
import type { Clock } from '../ports/clock.ts'
import type { Store, Summary } from '../ports/store.ts'
import type { Entry } from './entry.ts'
import { encodeSummary } from './summary.ts'

/** How long a session must have been quiet. */
const QUIET_MS = 5_000
/** Summaries written in one go. */
const WRITE_MAX = 1_000

export interface SummariesOptions {
  readonly store: Store
  readonly clock: Clock
  /** Whether it is still the entry of its session. */
  readonly isHeld: (entry: Entry) => boolean
  readonly stateVector: (entry: Entry) => Uint8Array
  readonly tree: (shard: number) => HashTree
}

export class Summaries {
  readonly #options: SummariesOptions
  /** Written to since their summary, the longest ago first. */
  readonly #outdated = new Set<Entry>()
  #writing: Promise<void> | undefined

  constructor(options: SummariesOptions) {
    this.#options = options
  }

  outdate(entry: Entry): void {
    this.#outdated.delete(entry)
    this.#outdated.add(entry)
  }

  /** Writes the summaries of sessions that have been quiet, or with `all` of all whose digest is current. */
  write(all = false): Promise<void> {
    if (this.#writing !== undefined && !all) return this.#writing
    const before = this.#writing?.catch(() => {}) ?? Promise.resolve()
    const writing = before
      .then(() => this.#write(all))
      .finally(() => {
        if (this.#writing === writing) this.#writing = undefined
      })
    this.#writing = writing
    return writing
  }

  async #write(all: boolean): Promise<void> {
    for (;;) {
      const summaries = this.#take(all)
      if (summaries.length === 0) return
      await this.#options.store.putSummaries(summaries)
    }
  }

  /** In the same step in which they are handed to the store: what is written to these sessions later comes later. */
  #take(all: boolean): Summary[] {
    const { clock, isHeld, stateVector, tree } = this.#options
    const now = clock.monotonic()
    const taken: Summary[] = []
    for (const entry of this.#outdated) {
      if (taken.length === WRITE_MAX) break
      if (!all && now - entry.dirtyLast < QUIET_MS) break
      if (entry.dirtySince !== undefined && isHeld(entry)) continue
      this.#outdated.delete(entry)
      const summary = isHeld(entry) ? encodeSummary(entry, stateVector(entry), tree(entry.shard)) : undefined
      if (summary !== undefined) taken.push({ session: entry.id, summary })
    }
    return taken
  }
}
