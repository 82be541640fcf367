// Recovery after a start: every session that was on disk is looked at, the most important first, while all of them are
// being served. Looking at one means: read it from disk and compare it with what was logged; then see that the replicas
// have the same, or fetch what they have more. Until then its state is `recovering`.
//
// It needs no network to begin: comparing waits a little for other peers to be heard of, and goes without if none is.
import { hasCode } from '../../crdt/errors.ts'
import type { Cancel, Clock } from '../ports/clock.ts'
import type { Entry } from '../sessions/entry.ts'
import { delay } from '../util/timers.ts'
import type { Recovery as RecoveryApi, RecoveryProgress, RecoveryStage, RecoveryStats } from './api.ts'
import { etaOf, rateOf, RecoveryPlan } from './plan.ts'

/** Sessions under way at once: fetching one waits for the network. */
const WORKERS = 8
/** Sessions of one worker after which others get a turn. */
const SLICE = 8
/** How long comparing waits for another peer to be heard of. */
const PATIENCE_MS = 2_000
const LOOK_INTERVAL_MS = 20

export interface RecoveryOptions {
  readonly clock: Clock
  readonly stages: readonly RecoveryStage[]
  readonly entries: () => Iterable<Entry>
  readonly get: (id: string) => Entry | undefined
  /** Compares what is on disk with what was logged, and sees to what is missing. */
  readonly verify: (entry: Entry) => Promise<'sound' | 'damaged' | 'busy'>
  /** Whether another peer is alive. */
  readonly accompanied: () => boolean
  /** Whether a live replica has this shard otherwise, as last heard. */
  readonly differs: (shard: number) => boolean
  /** Asks the replicas for what they have more; whether any has it. @throws SESSION_UNAVAILABLE if none answers */
  readonly fetch: (id: string) => Promise<boolean>
  /** Shows what is held as it is, if it is being held back. Whether it was. */
  readonly accept: () => boolean
  readonly onRecovered: (entry: Entry) => void
  readonly onError: (error: unknown) => void
}

export class Recovery implements RecoveryApi {
  readonly #options: RecoveryOptions
  readonly #counts = { recovered: 0, sound: 0, damaged: 0, busy: 0, compared: 0, alone: 0, prioritized: 0 }
  #plan: RecoveryPlan | undefined
  #startedAt: number | null = null
  #finishedAt: number | null = null
  /** Monotonic ms. */
  #begunAt = 0
  #endedAt: number | undefined
  #running = 0
  #company: Promise<void> | undefined
  #stopped = false

  constructor(options: RecoveryOptions) {
    this.#options = options
  }

  accept(): { readonly accepted: boolean } {
    return { accepted: this.#options.accept() }
  }

  /** To be called once all that was on disk is known. Returns what ends it. */
  begin(): Cancel {
    const entries = [...this.#options.entries()].filter(({ terminatedAt }) => terminatedAt === undefined)
    for (const entry of entries) entry.recovering = true
    this.#follow(this.#options.stages, entries)
    return () => {
      this.#stopped = true
    }
  }

  stats(): RecoveryStats {
    const end = this.#endedAt ?? this.#options.clock.monotonic()
    const durationMs = this.#startedAt === null ? 0 : Math.round(end - this.#begunAt)
    return { startedAt: this.#startedAt, finishedAt: this.#finishedAt, durationMs, ...this.#counts }
  }

  progress(): RecoveryProgress {
    const now = this.#endedAt ?? this.#options.clock.monotonic()
    const stages = this.#plan?.progress(now) ?? []
    const done = stages.reduce((sum, stage) => sum + stage.done, 0)
    const total = stages.reduce((sum, stage) => sum + stage.total, 0)
    const rate = rateOf(done, now - this.#begunAt)
    // Before it began, what there is to recover is still being found out.
    const running = this.#plan === undefined || this.#running > 0
    return { running, done, total, rate, etaMs: etaOf(total - done, rate), stages }
  }

  prioritize(ids: readonly string[]): { prioritized: number } {
    let prioritized = 0
    for (const id of ids) {
      const entry = this.#options.get(id)
      if (entry !== undefined && this.#plan?.prioritize(entry) === true) prioritized++
    }
    this.#counts.prioritized += prioritized
    return { prioritized }
  }

  staged(stages: readonly RecoveryStage[]): RecoveryProgress {
    const all = [...this.#options.entries()].filter(({ terminatedAt }) => terminatedAt === undefined)
    const left = all.filter((entry) => entry.recovering)
    if (left.length === 0) for (const entry of all) entry.recovering = true
    this.#follow(stages, left.length === 0 ? all : left)
    return this.progress()
  }

  #follow(stages: readonly RecoveryStage[], entries: readonly Entry[]): void {
    const { clock, onError } = this.#options
    const plan = new RecoveryPlan(stages, entries, clock.monotonic())
    this.#plan = plan
    if (entries.length === 0) return
    this.#startedAt = Math.round(clock.now())
    this.#finishedAt = null
    this.#begunAt = clock.monotonic()
    this.#endedAt = undefined
    this.#running += WORKERS
    for (let i = 0; i < WORKERS; i++) {
      this.#work(plan)
        .catch(onError)
        .finally(() => this.#ended())
    }
  }

  #ended(): void {
    const { clock } = this.#options
    this.#running--
    if (this.#running > 0 || this.#stopped) return
    this.#finishedAt = Math.round(clock.now())
    this.#endedAt = clock.monotonic()
  }

  async #work(plan: RecoveryPlan): Promise<void> {
    const { clock } = this.#options
    for (let taken = 1; !this.#stopped && this.#plan === plan; taken++) {
      const next = plan.next(clock.monotonic())
      if (next === undefined) return
      if (typeof next === 'number') {
        await delay(clock, Math.min(next, LOOK_INTERVAL_MS))
        continue
      }
      await this.#recover(next)
      plan.done(next, clock.monotonic())
      if (taken % SLICE === 0) await delay(clock, 0)
    }
  }

  async #recover(entry: Entry): Promise<void> {
    const { verify, onRecovered } = this.#options
    this.#counts[await verify(entry)]++
    this.#counts[(await this.#compare(entry)) ? 'compared' : 'alone']++
    this.#counts.recovered++
    if (!entry.recovering) return
    entry.recovering = false
    onRecovered(entry)
  }

  /** Whether the replicas have it equally, or could be asked for what they have more. */
  async #compare(entry: Entry): Promise<boolean> {
    const { differs, fetch } = this.#options
    if (!(await this.#accompanied())) return false
    if (!differs(entry.shard)) return true
    try {
      return await fetch(entry.id)
    } catch (error) {
      // Anti-entropy compares it once one of them answers; the next session need not wait for that.
      if (hasCode(error, 'SESSION_UNAVAILABLE')) return false
      throw error
    }
  }

  /** All workers wait for the same: none may overtake another by waking earlier. */
  async #accompanied(): Promise<boolean> {
    this.#company ??= this.#wait()
    await this.#company
    return this.#options.accompanied()
  }

  async #wait(): Promise<void> {
    const { clock, accompanied } = this.#options
    while (!accompanied() && !this.#stopped && clock.monotonic() - this.#begunAt < PATIENCE_MS) {
      await delay(clock, LOOK_INTERVAL_MS)
    }
  }
}
