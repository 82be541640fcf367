// Hunts mutants: each in a thread of its own, because a module is loaded once a thread.
import { Worker } from 'node:worker_threads'
import type { SwarmSize } from '../swarm/draw.ts'
import type { Mutant } from './mutant.ts'

/** Small runs, many seeds. */
export const HUNTING_GROUND: SwarmSize = {
  peersMin: 3,
  peersMax: 5,
  sessionsMax: 3,
  operationsMax: 120,
  faultsMax: 6,
  chaosMs: 8_000,
  settleMs: 15_000,
}

/** What a thread is told. */
export interface Prey {
  readonly mutant: Mutant
  /** First and last seed to try. */
  readonly from: number
  readonly to: number
}

/** What it found. */
export interface Catch {
  /** Seeds that were tried: the last of them is the one that caught it. */
  readonly seeds: number
  /** What the guard said; undefined if the mutant got away. */
  readonly violation: string | undefined
}

/**
 * Runs seeds 1 to `seeds` on the mutant, with its guard alone, until that fires. A seed on which the peer fails without
 * its edits as well proves nothing and is passed over.
 * @throws what a thread throws
 */
export async function hunt(mutant: Mutant, seeds: number): Promise<Catch> {
  for (let from = 1; ;) {
    const caught = await follow({ mutant, from, to: seeds })
    if (caught.violation === undefined) return caught
    const control = await follow({ mutant: { ...mutant, edits: [] }, from: caught.seeds, to: caught.seeds })
    if (control.violation === undefined) return caught
    from = caught.seeds + 1
  }
}

function follow(prey: Prey): Promise<Catch> {
  const worker = new Worker(new URL('load.ts', import.meta.url), { workerData: prey })
  return new Promise((resolve, reject) => {
    worker.once('message', resolve)
    worker.once('error', reject)
    worker.once('exit', () => reject(new Error(`the hunt for ${prey.mutant.name} ended without a word`)))
  })
}
