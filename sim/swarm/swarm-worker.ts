// The swarm's side of one worker thread: keeps it busy, and starts another when a run ends it.
import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import { systemClock, type Cancel } from '../../node/ports/clock.ts'
import type { Source } from '../scenarios/source.ts'
import { collapse } from '../run/attempt.ts'
import { withoutTrace, type Outcome } from './outcome.ts'

/** The next seed waits in the worker already when one is done. */
const AHEAD = 2
/** A run that takes so long does not end. */
const PATIENCE_MS = 300_000

export interface SwarmWorkerOptions {
  /** The next seed; undefined if there is none left. */
  next(): number | undefined
  onOutcome(outcome: Outcome): void
  /** No worker can be started. */
  onFailure(error: unknown): void
}

/** This file is TypeScript in a checkout and JavaScript once built; so is the worker's. */
const WORKER = new URL(`worker${extname(import.meta.filename)}`, import.meta.url)

export class SwarmWorker {
  readonly #source: Source
  readonly #options: SwarmWorkerOptions
  /** Seeds that the thread has, the running one first. */
  readonly #seeds: number[] = []
  #thread: Worker
  #cancelPatience: Cancel = () => {}
  #isOver = false

  constructor(source: Source, options: SwarmWorkerOptions) {
    this.#source = source
    this.#options = options
    this.#thread = this.#startThread()
    this.#fill()
  }

  stop(): void {
    this.#isOver = true
    this.#cancelPatience()
    void this.#thread.terminate()
  }

  #startThread(): Worker {
    const thread = new Worker(WORKER, { workerData: this.#source })
    let isReady = false
    thread.on('message', (message: Outcome | 'ready') => {
      if (message === 'ready') isReady = true
      else this.#came(message)
    })
    thread.on('error', (error) => {
      if (!isReady) this.#options.onFailure(error)
      else this.#died(error)
    })
    for (const seed of this.#seeds) thread.postMessage(seed)
    return thread
  }

  #fill(): void {
    while (this.#seeds.length < AHEAD) {
      const seed = this.#options.next()
      if (seed === undefined) break
      this.#seeds.push(seed)
      this.#thread.postMessage(seed)
    }
    this.#cancelPatience()
    if (this.#seeds.length === 0) return
    this.#cancelPatience = systemClock.setTimer(PATIENCE_MS, () => {
      void this.#thread.terminate()
      this.#died(new Error(`the run did not end within ${PATIENCE_MS / 1_000} s`))
    })
  }

  #came(outcome: Outcome): void {
    if (this.#isOver) return
    this.#seeds.shift()
    this.#options.onOutcome(outcome)
    if (!this.#isOver) this.#fill()
  }

  /** A run took its thread with it: it is judged, and another thread does the rest. */
  #died(error: unknown): void {
    const [seed] = this.#seeds
    if (this.#isOver || seed === undefined) return
    const outcome = withoutTrace(seed, collapse(error), 0)
    this.#seeds.shift()
    this.#thread = this.#startThread()
    this.#options.onOutcome(outcome)
    if (!this.#isOver) this.#fill()
  }
}
