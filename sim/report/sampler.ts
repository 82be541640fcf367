// Looks at the world at even intervals and writes down what a report plots. It asks only what changes nothing, so a run
// with it has the trace of the run without.
import type { Scene } from '../checkers/checker.ts'
import { MS, type Micros } from '../world/loop.ts'
import { DivergenceWatch, type Divergence } from './divergence.ts'
import { DOWN } from './page/data.ts'

/** About so many samples in a whole run: more than a page has pixels. */
const SAMPLES = 1_500
const INTERVAL_MIN: Micros = 50 * MS

/** One look, by machine where it says so. */
export interface Sample {
  /** Milliseconds; NaN while down. */
  readonly lag: readonly number[]
  readonly homes: readonly number[]
  readonly differing: readonly number[]
  readonly divergence: Divergence
}

export class Sampler {
  readonly samples: Sample[] = []
  readonly interval: Micros
  readonly #scene: Scene
  readonly #watch: DivergenceWatch

  constructor(scene: Scene) {
    const { plan, world, shadows } = scene
    const { replicationFactor } = plan.peer
    this.#scene = scene
    this.#watch = new DivergenceWatch(world, shadows, replicationFactor === 'all' ? Infinity : replicationFactor)
    this.interval = Math.max(INTERVAL_MIN, Math.ceil(((plan.chaosMs + plan.settleMs) * MS) / SAMPLES))
    this.#look()
  }

  #look(): void {
    const machines = [...this.#scene.world.machines.values()]
    const divergence = this.#watch.look()
    this.samples.push({
      lag: machines.map(({ peer }) => peer?.replication.lag() ?? NaN),
      homes: machines.map(({ peer }) => peer?.sessions.status().homes ?? DOWN),
      differing: machines.map(({ name }) => divergence.differing.get(name) ?? DOWN),
      divergence,
    })
    const { loop } = this.#scene.world
    loop.schedule(loop.now + this.interval, () => this.#look())
  }
}
