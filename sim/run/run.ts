// One run of a plan: safety first (chaos), then liveness (the core healed, everything else left broken for good).
// Uniform chaos alone would hide what never ends: every fault heals some day (TigerBeetle's two-phase simulator).
import type { Checker, Scene, Violation } from '../checkers/checker.ts'
import { isConverged } from '../checkers/convergence.ts'
import { CHECKERS } from '../checkers/index.ts'
import { Shadows } from '../checkers/shadows.ts'
import { Injector } from '../faults/inject.ts'
import type { Plan } from '../plan/plan.ts'
import { Clients } from '../workload/clients.ts'
import { History } from '../workload/history.ts'
import { assertDrains, MS, SECOND, type Micros } from '../world/loop.ts'
import { micros } from '../world/process.ts'
import type { TraceEvent } from '../world/trace.ts'
import type { Tier } from '../world/tier.ts'
import { World } from '../world/world.ts'
import { modelTier } from './model-tier.ts'

/** `vacuous`: nothing went wrong because nothing was tried. */
export type Verdict = 'ok' | 'violated' | 'vacuous'

export interface RunResult {
  readonly plan: Plan
  readonly verdict: Verdict
  readonly violations: readonly Violation[]
  /** Over every event of the run, in order. */
  readonly traceHash: string
  readonly events: readonly TraceEvent[]
  readonly eventCount: number
  /** Virtual time from the start to the end. */
  readonly simulatedMs: number
  /** Virtual time that the core took to converge; undefined if it did not. */
  readonly convergedMs: number | undefined
  readonly operations: {
    readonly acked: number
    readonly unknown: number
    readonly refused: number
    readonly skipped: number
  }
  /** Faults that began, by kind. */
  readonly faults: Readonly<Record<string, number>>
}

export interface RunOptions {
  /** Keep every event of the trace, for a report. @default false */
  readonly keepTrace?: boolean
  /** Stop at the first violation. @default true */
  readonly failFast?: boolean
}

/** How often the core is asked whether it has converged. */
const CONVERGED_INTERVAL: Micros = 100 * MS
/** The world goes on so long after the core has converged: nothing must come undone. */
const AFTERMATH: Micros = 2 * SECOND

/**
 * Runs a plan from its start to its verdict, in one synchronous call. Must be called from a macrotask.
 * @param tier what the peers run on; the model of the network, if nothing else is said
 * @throws Error if the plan names machines that it has not
 */
export function run(plan: Plan, options: RunOptions = {}, tier: Tier = modelTier): RunResult {
  assertDrains()
  return tier.around(() => new Run(plan, options, tier).result())
}

class Run {
  readonly #plan: Plan
  readonly #options: RunOptions
  readonly #world: World
  readonly #faults: Injector
  readonly #history = new History()
  readonly #clients: Clients
  readonly #scene: Scene
  readonly #checkers: readonly Checker[]
  readonly #violations: Violation[] = []
  #convergedMs: number | undefined

  constructor(plan: Plan, options: RunOptions, tier: Tier) {
    this.#plan = plan
    this.#options = options
    this.#world = makeWorld(plan, tier, options.keepTrace ?? false)
    this.#faults = new Injector(this.#world)
    const shadows = new Shadows(this.#world)
    this.#scene = { plan, world: this.#world, history: this.#history, faults: this.#faults, shadows }
    this.#checkers = CHECKERS.map((kind) => this.#makeChecker(kind))
    this.#clients = new Clients(this.#world, this.#history, this.#checkers)
  }

  result(): RunResult {
    this.#chaos()
    if (!this.#isOver()) this.#settle()
    const { trace, loop } = this.#world
    return {
      plan: this.#plan,
      verdict: this.#verdict(),
      violations: this.#violations,
      traceHash: trace.hash(),
      events: trace.events,
      eventCount: trace.count,
      simulatedMs: Math.round(loop.now / MS),
      convergedMs: this.#convergedMs,
      operations: {
        acked: this.#history.count('acked'),
        unknown: this.#history.count('unknown'),
        refused: this.#history.count('refused'),
        skipped: this.#history.count('skipped'),
      },
      faults: Object.fromEntries(this.#faults.fired),
    }
  }

  #chaos(): void {
    const late = new Set(this.#plan.faults.flatMap((fault) => (fault.kind === 'join' ? [fault.machine] : [])))
    this.#phase('chaos')
    for (const machine of this.#world.machines.values()) if (!late.has(machine.name)) machine.start()
    this.#faults.plan(this.#plan.faults)
    this.#clients.plan(this.#plan)
    this.#world.loop.runUntil(micros(this.#plan.chaosMs), () => this.#isOver())
  }

  #settle(): void {
    this.#phase('settle')
    this.#clients.stop()
    this.#faults.heal(this.#plan.core)
    const start = this.#world.now
    const deadline = start + micros(this.#plan.settleMs)
    while (this.#world.now < deadline && !this.#isOver()) {
      this.#world.loop.runUntil(this.#world.now + CONVERGED_INTERVAL, () => this.#isOver())
      if (!this.#clients.isIdle || !isConverged(this.#scene)) continue
      this.#convergedMs = (this.#world.now - start) / MS
      this.#phase('converged')
      this.#world.loop.runUntil(this.#world.now + AFTERMATH, () => this.#isOver())
      break
    }
    if (this.#isOver()) return
    for (const checker of this.#checkers) checker.atEnd?.(isConverged(this.#scene))
  }

  #phase(name: string): void {
    this.#world.trace.add(this.#world.now, '', 'phase', name)
  }

  #makeChecker(kind: (typeof CHECKERS)[number]): Checker {
    const report = (message: string, machines: readonly string[] = []) => {
      this.#violations.push({ checker: kind.name, at: this.#world.now, message, machines })
      this.#world.trace.add(this.#world.now, machines[0] ?? '', 'violation', kind.name, message)
    }
    const checker = { name: kind.name, violatedWhen: kind.violatedWhen, ...kind.make(this.#scene, report) }
    this.#world.listen(checker)
    return checker
  }

  #isOver(): boolean {
    return this.#violations.length > 0 && this.#options.failFast !== false
  }

  #verdict(): Verdict {
    if (this.#violations.length > 0) return 'violated'
    const wasTried = this.#history.count('acked') > 0 && (this.#plan.faults.length === 0 || this.#faults.fired.size > 0)
    return wasTried ? 'ok' : 'vacuous'
  }
}

function makeWorld(plan: Plan, tier: Tier, keepTrace: boolean): World {
  const { network, disk, peer } = plan
  return new World({
    tier,
    seed: plan.seed,
    machines: plan.machines,
    network: {
      latencyMin: micros(network.latencyMinMs),
      latencyMean: micros(network.latencyMeanMs),
      lossPerMillion: network.lossPerMillion,
      duplicatePerMillion: network.duplicatePerMillion,
      bytesPerMs: network.bytesPerMs,
    },
    disk: { syncMean: micros(disk.syncMeanMs), readMean: micros(disk.readMeanMs) },
    peer: {
      shardCount: peer.shardCount,
      replicationFactor: peer.replicationFactor,
      hydratedSessionsMax: peer.hydratedSessionsMax,
    },
    keepTrace,
    gossipsChanges: peer.gossip,
  })
}
