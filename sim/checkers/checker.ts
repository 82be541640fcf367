// What a checker is: it watches a run and says when a promise was broken. Each guards one thing, prints its own
// evidence, and has a mutant (sim/mutants/) that proves that it does.
import type { Injector } from '../faults/inject.ts'
import type { Plan } from '../plan/plan.ts'
import type { ClientListener } from '../workload/clients.ts'
import type { History } from '../workload/history.ts'
import type { WorldListener, World } from '../world/world.ts'
import type { Shadows } from './shadows.ts'

export interface Violation {
  readonly checker: string
  /** Microseconds since the start of the world. */
  readonly at: number
  readonly message: string
  /** Machines that it is about, for the report. */
  readonly machines: readonly string[]
}

/** What checkers look at. */
export interface Scene {
  readonly plan: Plan
  readonly world: World
  readonly history: History
  readonly faults: Injector
  /** What is on the disks, as documents. */
  readonly shadows: Shadows
}

export interface Checker extends ClientListener, WorldListener {
  readonly name: string
  /** Completes "it is violated when …", for docs and reports. */
  readonly violatedWhen: string
  /** The core has converged, or its time is up. */
  atEnd?(isConverged: boolean): void
}

export type Report = (message: string, machines?: readonly string[]) => void

/** Makes a checker for one run; `report` is how it says that its promise was broken. */
export interface CheckerKind {
  readonly name: string
  readonly violatedWhen: string
  make(scene: Scene, report: Report): Omit<Checker, 'name' | 'violatedWhen'>
}
