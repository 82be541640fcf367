// Sessions whose home has died, or left without having handed over. Their new home is calculated at once, but somebody must
// have made sure that it has the latest that is known of them: until then they are orphaned. Making sure is to adopt them, in
// the order of recovery, and is tried for ever. Each peer sees to the sessions that it holds.
import type { PeerId } from '../../transport/port.ts'
import type { Priority } from '../api.ts'
import type { Homes } from '../membership/homes.ts'
import type { Cancel, Clock } from '../ports/clock.ts'
import type { PageOptions } from '../replication/api.ts'
import type { Reconciliation } from '../replication/reconciliation.ts'
import type { Catalog } from '../sessions/catalog.ts'
import { isHeld, type Entry } from '../sessions/entry.ts'
import type { Lifecycles } from '../sessions/lifecycle.ts'
import type { Adoption, Orphaned, RecoveryStage } from './api.ts'

/** The others are given so long to notice the death, too. */
const ADOPT_AFTER_MS = 100
const RETRY_MS = 500
/** What fails on one of the two sides (its disk is full) is tried ever more seldom, down to this. */
const RETRY_MAX_MS = 5_000
const LIMIT_DEFAULT = 1_000

export interface OrphansOptions {
  readonly clock: Clock
  readonly catalog: () => Catalog
  readonly homes: Homes
  readonly replication: { readonly sync: Pick<Reconciliation, 'confirm'> }
  readonly lifecycles: Lifecycles
  /** Their order counts here, not their delays. */
  readonly stages: readonly RecoveryStage[]
  /** Whether sessions are adopted without being told to. */
  readonly isAutomatic: boolean
  readonly onError: (error: unknown) => void
}

interface Mark {
  readonly lastHome: PeerId
  /** Wall clock, ms. */
  readonly since: number
  reason: string
}

export class Orphans {
  readonly #options: OrphansOptions
  readonly #marks = new Map<Entry, Mark>()
  #adopting: Promise<Adoption> | undefined
  #cancelNext: Cancel = () => {}
  /** Attempts in a row in which somebody was asked in vain. */
  #failures = 0
  #isStopped = false

  constructor(options: OrphansOptions) {
    this.#options = options
  }

  start(): Cancel {
    const stop = this.#options.homes.events.on('lost', ({ from, entries }) => this.#lost(from, entries))
    return () => {
      stop()
      this.#isStopped = true
      this.#cancelNext()
    }
  }

  count(): number {
    return this.#open().length
  }

  list({ limit = LIMIT_DEFAULT, after = '' }: PageOptions = {}): Orphaned {
    const { homes } = this.#options
    const all = this.#open()
    const sessions = all
      .filter(([{ id }]) => id > after)
      .toSorted(([a], [b]) => (a.id < b.id ? -1 : 1))
      .slice(0, limit)
      .map(([entry, mark]) => ({ session: entry.id, priority: entry.priority, home: homes.of(entry), ...mark }))
    return { count: all.length, sessions }
  }

  /** Tries all of them once; joins an attempt that is under way. */
  adopt(): Promise<Adoption> {
    this.#adopting ??= this.#adoptAll().finally(() => {
      this.#adopting = undefined
    })
    return this.#adopting
  }

  #lost(lastHome: PeerId, entries: readonly Entry[]): void {
    const { clock, isAutomatic } = this.#options
    const since = Math.round(clock.now())
    const reason = isAutomatic ? 'waits for its turn' : 'waits for `orphans adopt`: autoReconciliation is off'
    for (const entry of entries) this.#marks.set(entry, { lastHome, since, reason })
    this.#failures = 0
    this.#adoptIn(ADOPT_AFTER_MS)
  }

  async #adoptAll(): Promise<Adoption> {
    let adopted = 0
    let wasAsked = false
    try {
      for (const priority of this.#order()) {
        const attempt = this.#isStopped ? undefined : await this.#adoptThose(priority)
        adopted += attempt?.adopted ?? 0
        wasAsked ||= attempt?.wasAsked ?? false
      }
    } finally {
      this.#failures = wasAsked ? this.#failures + 1 : 0
      if (this.count() > 0) this.#adoptIn(Math.min(RETRY_MS * 2 ** Math.max(0, this.#failures - 1), RETRY_MAX_MS))
    }
    return { adopted, orphaned: this.count() }
  }

  async #adoptThose(priority: Priority): Promise<{ adopted: number; wasAsked: boolean }> {
    const { replication, homes, lifecycles, clock } = this.#options
    const marks = new Map(this.#open().filter(([entry]) => entry.priority === priority))
    if (marks.size === 0) return { adopted: 0, wasAsked: false }
    let adopted = 0
    const onConfirmed = (entries: readonly Entry[]) => {
      for (const entry of entries) {
        // Its home may have died again meanwhile.
        if (this.#marks.get(entry) !== marks.get(entry)) continue
        this.#marks.delete(entry)
        lifecycles.adopted(entry.id, clock.now())
        adopted++
      }
    }
    const homeOf = (entry: Entry) => homes.of(entry)
    const left = await replication.sync.confirm([...marks.keys()], { homeOf, onConfirmed })
    for (const [entry, { reason }] of left) {
      const mark = marks.get(entry)
      if (mark !== undefined) mark.reason = reason
    }
    return { adopted, wasAsked: [...left.values()].some((why) => why.wasAsked) }
  }

  #adoptIn(delayMs: number): void {
    const { clock, isAutomatic, onError } = this.#options
    if (!isAutomatic || this.#isStopped) return
    this.#cancelNext()
    this.#cancelNext = clock.setTimer(delayMs, () => void this.adopt().catch(onError))
  }

  /** Those that are still here: what this peer has let go of is with those that keep it. */
  #open(): [Entry, Mark][] {
    const catalog = this.#options.catalog()
    for (const entry of this.#marks.keys()) {
      const isHere = catalog.get(entry.id) === entry && isHeld(entry)
      if (!isHere || entry.terminatedAt !== undefined) this.#marks.delete(entry)
    }
    return [...this.#marks]
  }

  #order(): Priority[] {
    const named = this.#options.stages.map(({ priority }) => priority)
    return [...new Set<Priority>([...named, 'critical', 'high', 'normal', 'low'])]
  }
}
