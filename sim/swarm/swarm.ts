// A swarm: a range of seeds, run in worker threads over all cores.
//
// Seeds are handed out one by one, and counted in their order up to the first that is still missing: what a swarm
// says, and where it stops, depends on nothing but its seeds (and on the clock, if it is given a time limit).
import { availableParallelism } from 'node:os'
import { systemClock, type Cancel } from '../../node/ports/clock.ts'
import type { Source } from '../scenarios/source.ts'
import type { Outcome } from './outcome.ts'
import { SwarmWorker } from './swarm-worker.ts'
import { Tally, type Totals } from './tally.ts'

export interface SwarmOptions {
  readonly source: Source
  readonly from: number
  readonly to: number
  /** @default one for each core */
  readonly workers?: number | undefined
  /** Stops after so many failing seeds. @default 3 */
  readonly failuresMax?: number | undefined
  /** Stops after so much real time. @default none */
  readonly timeLimitMs?: number | undefined
  /** Stops when aborted. */
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((progress: Progress) => void) | undefined
}

export interface Progress {
  readonly seeds: number
  readonly failures: number
  readonly simulatedMs: number
  readonly wallMs: number
}

export interface SwarmResult extends Totals {
  readonly from: number
  /** The last seed that was counted; before `from` if there was none. */
  readonly to: number
  /** Why it ended before the last seed asked for; null if it did not. */
  readonly stopped: 'failures' | 'time limit' | 'interrupted' | null
  readonly workers: number
  readonly wallMs: number
  readonly seedsPerSecond: number
  readonly simulatedPerWall: number
}

export const WORKERS_DEFAULT = availableParallelism()
const FAILURES_MAX_DEFAULT = 3

/** @throws whatever keeps a worker from starting */
export function swarm(options: SwarmOptions): Promise<SwarmResult> {
  return new Promise((resolve, reject) => new Swarm(options, resolve, reject).start())
}

class Swarm {
  readonly #options: SwarmOptions
  readonly #resolve: (result: SwarmResult) => void
  readonly #reject: (error: unknown) => void
  readonly #start = systemClock.monotonic()
  readonly #tally = new Tally()
  readonly #workers: SwarmWorker[] = []
  /** Outcomes that came before those of earlier seeds. */
  readonly #early = new Map<number, Outcome>()
  #next: number
  #counted: number
  #seeds = 0
  #failures = 0
  #simulatedMs = 0
  #isOver = false
  #cancelLimit: Cancel = () => {}

  constructor(options: SwarmOptions, resolve: (result: SwarmResult) => void, reject: (error: unknown) => void) {
    this.#options = options
    this.#resolve = resolve
    this.#reject = reject
    this.#next = options.from
    this.#counted = options.from - 1
  }

  start(): void {
    const { from, to, source, timeLimitMs, signal, workers = WORKERS_DEFAULT } = this.#options
    if (timeLimitMs !== undefined) this.#cancelLimit = systemClock.setTimer(timeLimitMs, () => this.#end('time limit'))
    signal?.addEventListener('abort', () => this.#end('interrupted'))
    for (let index = 0; index < Math.min(workers, to - from + 1); index++) {
      const worker = new SwarmWorker(source, {
        next: () => this.#take(),
        onOutcome: (outcome) => this.#came(outcome),
        onFailure: (error) => this.#fail(error),
      })
      this.#workers.push(worker)
    }
  }

  #take(): number | undefined {
    return this.#isOver || this.#next > this.#options.to ? undefined : this.#next++
  }

  #came(outcome: Outcome): void {
    if (this.#isOver) return
    this.#seeds++
    this.#simulatedMs += outcome.simulatedMs
    if (outcome.violations.length > 0) this.#failures++
    this.#early.set(outcome.seed, outcome)
    this.#count()
    const wallMs = systemClock.monotonic() - this.#start
    this.#options.onProgress?.({ seeds: this.#seeds, failures: this.#failures, simulatedMs: this.#simulatedMs, wallMs })
  }

  /** Counts what has come, up to the first seed that has not. */
  #count(): void {
    const { to, failuresMax = FAILURES_MAX_DEFAULT } = this.#options
    for (;;) {
      const outcome = this.#early.get(this.#counted + 1)
      if (outcome === undefined) return
      this.#early.delete(outcome.seed)
      this.#counted = outcome.seed
      this.#tally.add(outcome)
      if (this.#counted === to) return this.#end(null)
      if (this.#tally.failures >= failuresMax) return this.#end('failures')
    }
  }

  #end(stopped: SwarmResult['stopped']): void {
    if (this.#isOver) return
    this.#close()
    const totals = this.#tally.totals()
    const wallMs = systemClock.monotonic() - this.#start
    this.#resolve({
      from: this.#options.from,
      to: this.#counted,
      stopped,
      ...totals,
      workers: this.#workers.length,
      wallMs,
      seedsPerSecond: totals.seeds / (wallMs / 1_000),
      simulatedPerWall: totals.simulatedMs / wallMs,
    })
  }

  #fail(error: unknown): void {
    if (this.#isOver) return
    this.#close()
    this.#reject(error)
  }

  #close(): void {
    this.#isOver = true
    this.#cancelLimit()
    for (const worker of this.#workers) worker.stop()
  }
}
