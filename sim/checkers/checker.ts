// What a checker is: it watches a run and says when a promise was broken. Each guards one promise, prints its own
// evidence, and has a mutant (sim/mutants/) that proves that it does.
import type { Injector } from '../faults/inject.ts'
import type { Plan } from '../plan/plan.ts'
import type { ClientListener } from '../workload/clients.ts'
import type { History } from '../workload/history.ts'
import type { Micros } from '../world/loop.ts'
import type { TraceEvent } from '../world/trace.ts'
import type { WorldListener, World } from '../world/world.ts'
import type { Copies } from './copies.ts'
import type { FinalReads } from './final-reads.ts'
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
  /** Which of them hold which write. */
  readonly copies: Copies
}

/** How a run ended. */
export interface Ending {
  /** The core has become equal, and was still so after a while in which nobody asked for anything. */
  readonly isConverged: boolean
  /** What every peer of the core then answered for every session; empty if it has not converged. */
  readonly reads: FinalReads
  /** How long the core was left alone after it had converged … */
  readonly idleFor: Micros
  /** … and whether it became quiet in that time. */
  readonly isQuiet: boolean
}

/** Whoever looks on. It must change nothing: a run has the same trace whoever watches. */
export interface Watcher extends ClientListener, WorldListener {
  /** Everything that goes into the trace. */
  onEvent?(event: TraceEvent): void
  /** Every TICK of virtual time. */
  onTick?(): void
  /** The chaos is over, the core is healed. */
  onSettle?(): void
  atEnd?(ending: Ending): void
}

export type Report = (message: string, machines?: readonly string[]) => void

/** Makes a checker for one run; `report` is how it says that its promise was broken. */
export interface CheckerKind {
  readonly name: string
  /** What the mesh promises. */
  readonly promise: string
  /** Completes "it is violated when …". */
  readonly violatedWhen: string
  /** It knows values by the tags that they carry, which those of a scenario's own operations need not. */
  readonly needsTags?: true
  make(scene: Scene, report: Report): Watcher
}
