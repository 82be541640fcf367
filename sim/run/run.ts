// One run of a plan: safety first (chaos), then liveness (the core healed, everything else left broken for good).
// Uniform chaos alone would hide what never ends: every fault heals some day (TigerBeetle's two-phase simulator).
import type { CheckerKind, Scene, Violation, Watcher } from '../checkers/checker.ts'
import { FinalReads } from '../checkers/final-reads.ts'
import { isAtRest } from '../checkers/bounded.ts'
import { LOSS_MAX_PER_MILLION } from '../checkers/false-death.ts'
import { CHECKERS } from '../checkers/index.ts'
import { ownCheckers } from '../checkers/own.ts'
import { isWhole, QUIET, QUIET_WITHIN, Silence } from '../checkers/quiescence.ts'
import { areEqual, isConverged, isPlaced, keepersOf, sessionsOf } from '../checkers/replicas.ts'
import { countFacts } from '../facts/index.ts'
import { Copies } from '../checkers/copies.ts'
import { isTerminated } from '../checkers/document.ts'
import { recovered, Shadows } from '../checkers/shadows.ts'
import { Injector } from '../faults/inject.ts'
import type { Plan } from '../plan/plan.ts'
import type { PeerOptions } from '../../node/config.ts'
import { CLOCK_SKEW_MAX_MS, EXPIRY_PATIENCE_MS, RETURN_PATIENCE_MS } from '../plan/life.ts'
import type { OwnCode } from '../scenarios/own-code.ts'
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
  /** How often each situation of sim/facts/ came about, those that did not included. */
  readonly facts: Readonly<Record<string, number>>
}

export interface RunOptions {
  /** Keep every event of the trace, for a report. @default false */
  readonly keepTrace?: boolean
  /** Stop at the first violation. @default true */
  readonly failFast?: boolean
  /** Names of the checkers that judge. @default all */
  readonly checkers?: readonly string[]
  /** Keep every message that goes between machines, for a report. @default false */
  readonly keepTraffic?: boolean
  /** Called before the run begins: may look at everything, any time, and must touch nothing. */
  readonly watch?: (scene: Scene) => void
  /** Operations and a check that the scenario brought along. */
  readonly own?: OwnCode | undefined
}

/** How often the core is asked whether it has converged. */
const CONVERGED_INTERVAL: Micros = 100 * MS
/** How long the peers then have to answer for everything. */
const READS_MAX: Micros = 20 * SECOND
/** How often they are asked at most, if sessions move meanwhile. */
const READ_TURNS_MAX = 4
/** How often watchers look around. */
const TICK: Micros = 100 * MS

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
  readonly #watchers: readonly Watcher[]
  readonly #facts: Readonly<Record<string, number>>
  #reads = new FinalReads()
  readonly #silence: Silence
  #idle = { idleFor: 0, isQuiet: false }
  readonly #violations: Violation[] = []
  #convergedMs: number | undefined

  constructor(plan: Plan, options: RunOptions, tier: Tier) {
    this.#plan = plan
    this.#options = options
    this.#world = makeWorld(plan, tier, options)
    this.#silence = new Silence(this.#world)
    this.#faults = new Injector(this.#world)
    const shadows = new Shadows(this.#world)
    const copies = new Copies(this.#world, this.#history, shadows)
    this.#scene = { plan, world: this.#world, history: this.#history, faults: this.#faults, shadows, copies }
    const { facts, watchers } = countFacts(this.#scene)
    this.#facts = facts
    this.#watchers = [...checkersOf(plan, options).map((kind) => this.#makeChecker(kind)), ...watchers]
    for (const watcher of this.#watchers) this.#listen(watcher)
    this.#clients = new Clients(this.#world, this.#history, this.#watchers, options.own)
    this.#noteEnds()
    options.watch?.(this.#scene)
  }

  /** What becomes of sessions without a client's doing goes into the history too. */
  #noteEnds(): void {
    const { expired, forgotten, aside } = this.#history
    this.#world.trace.onEvent(({ kind, subject }) => {
      if (kind === 'expired') expired.add(subject)
      if (kind === 'aside') aside.add(subject)
    })
    // Who does not keep a session lets go of it, because others do. By the time it is off the disk that may have changed.
    const strays = new Set<string>()
    this.#world.listen({
      onRemoving: (machine, session) => {
        const isStray = !keepersOf(this.#scene, session).includes(machine)
        if (isStray) strays.add(`${machine} ${session}`)
        else strays.delete(`${machine} ${session}`)
      },
      onRewritten: (machine, session, cause, before) => {
        if (cause !== 'removed' || before === undefined || forgotten.has(session)) return
        if (strays.has(`${machine} ${session}`)) return
        if (isTerminated(recovered(before))) forgotten.set(session, this.#world.now)
      },
    })
  }

  result(): RunResult {
    const onRejection = (error: unknown) => this.#world.uncaught(error)
    process.on('unhandledRejection', onRejection)
    try {
      this.#chaos()
      if (!this.#isOver()) this.#settle()
    } finally {
      process.off('unhandledRejection', onRejection)
    }
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
      facts: { ...this.#facts },
    }
  }

  #chaos(): void {
    const late = new Set(this.#plan.faults.flatMap((fault) => (fault.kind === 'join' ? [fault.machine] : [])))
    this.#phase('chaos')
    this.#faults.plan(this.#plan.faults)
    for (const machine of this.#world.machines.values()) if (!late.has(machine.name)) machine.start()
    this.#clients.plan(this.#plan)
    this.#tick()
    this.#world.loop.runUntil(micros(this.#plan.chaosMs), () => this.#isOver())
  }

  #settle(): void {
    this.#phase('settle')
    this.#clients.stop()
    this.#faults.heal(this.#plan.core)
    for (const watcher of this.#watchers) watcher.onSettle?.()
    const start = this.#world.now
    const deadline = start + micros(this.#plan.settleMs)
    while (this.#world.now < deadline && !this.#isOver()) {
      this.#world.loop.runUntil(this.#world.now + CONVERGED_INTERVAL, () => this.#isOver())
      if (!this.#clients.isIdle || !isConverged(this.#scene)) continue
      this.#convergedMs = (this.#world.now - start) / MS
      this.#phase('converged')
      this.#aftermath(deadline)
      break
    }
    if (this.#isOver()) return
    // That somebody is taken for dead again is for the checkers to judge: what all hold is to be judged all the same.
    const isEqual = this.#convergedMs !== undefined && this.#isEqual()
    const ending = { isConverged: isEqual, reads: this.#reads, ...this.#idle }
    for (const watcher of this.#watchers) watcher.atEnd?.(ending)
  }

  /** The world goes on after the core has converged: nothing must come undone, and all must become quiet. */
  #aftermath(deadline: Micros): void {
    const { loop, network } = this.#world
    const start = this.#world.now
    const isQuiet = () => this.#world.now - Math.max(start, this.#silence.since) >= QUIET
    network.isSettled = true
    loop.runUntil(start + QUIET, () => this.#isOver())
    // Somebody outside the core may only now be taken for dead: sessions move once more.
    this.#wait(deadline - this.#world.now, () => isPlaced(this.#scene))
    const mustBeQuiet = isWhole(this.#scene)
    this.#wait(QUIET_WITHIN - QUIET, () => isAtRest(this.#scene) && (mustBeQuiet ? isQuiet() : this.#isEqual()))
    this.#idle = { idleFor: this.#world.now - start, isQuiet: isQuiet() }
    this.#read()
    // Who is not healed may have brought news meanwhile.
    if (!mustBeQuiet) this.#wait(QUIET_WITHIN, () => this.#isEqual())
    if (this.#plan.network.lossPerMillion <= LOSS_MAX_PER_MILLION) return
    // Where much is lost, somebody may have been taken for dead for a moment, and sessions have moved there and back.
    for (let turn = 1; turn < READ_TURNS_MAX && !this.#isOver() && !this.#isEqual(); turn++) {
      this.#wait(QUIET_WITHIN, () => this.#isEqual())
      this.#read()
    }
  }

  /** Asks every peer of the core for everything. */
  #read(): void {
    this.#phase('read')
    this.#reads = new FinalReads()
    this.#reads.ask(this.#scene, sessionsOf(this.#scene))
    this.#world.loop.runUntil(this.#world.now + READS_MAX, () => this.#isOver() || this.#reads.areDone)
  }

  #isEqual(): boolean {
    return areEqual(this.#scene)
  }

  /** Lets the world go on until the condition holds, looked at now and then; for so long at most. */
  #wait(max: Micros, condition: () => boolean): void {
    const deadline = this.#world.now + max
    while (this.#world.now < deadline && !this.#isOver() && !condition()) {
      this.#world.loop.runUntil(this.#world.now + CONVERGED_INTERVAL, () => this.#isOver())
    }
  }

  #tick(): void {
    for (const watcher of this.#watchers) watcher.onTick?.()
    this.#world.loop.schedule(this.#world.now + TICK, () => this.#tick())
  }

  #phase(name: string): void {
    this.#world.trace.add(this.#world.now, '', 'phase', name)
  }

  #makeChecker(kind: CheckerKind): Watcher {
    return kind.make(this.#scene, (message, machines = []) => {
      this.#violations.push({ checker: kind.name, at: this.#world.now, message, machines })
      this.#world.trace.add(this.#world.now, machines[0] ?? '', 'violation', kind.name, message)
    })
  }

  #listen(watcher: Watcher): void {
    this.#world.listen(watcher)
    const { onEvent } = watcher
    if (onEvent !== undefined) this.#world.trace.onEvent((event) => onEvent(event))
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

/** @throws Error for a name that no checker has */
function checkersOf({ operations }: Plan, { checkers: names, own }: RunOptions): readonly CheckerKind[] {
  const haveTags = operations.every(({ kind }) => kind !== 'call')
  const all = [
    ...CHECKERS.filter((kind) => haveTags || !kind.needsTags),
    ...(own === undefined ? [] : ownCheckers(own)),
  ]
  if (names === undefined) return all
  return names.map((name) => {
    const kind = all.find((kind) => kind.name === name)
    if (kind === undefined) throw new Error(`no checker ${name}: ${all.map((kind) => kind.name).join(', ')}`)
    return kind
  })
}

/** Settings that go with short lives; what is 0 keeps the peer's own default. */
function lifeOf({ life }: Plan['peer']): PeerOptions {
  if (life === undefined) return {}
  const { ttlMs, retentionMs } = life
  const margins = {
    clockSkewMaxMs: CLOCK_SKEW_MAX_MS,
    expiryPatienceMs: EXPIRY_PATIENCE_MS,
    returnPatienceMs: RETURN_PATIENCE_MS,
  }
  return {
    ...margins,
    ...(ttlMs === 0 ? {} : { defaultTtlMs: ttlMs }),
    ...(retentionMs === 0 ? {} : { tombstoneRetentionMs: retentionMs, terminatedHistoryMs: 1_000 }),
  }
}

function makeWorld(plan: Plan, tier: Tier, { keepTrace = false, keepTraffic = false }: RunOptions): World {
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
      snapshotIntervalMs: 0,
      ...lifeOf(peer),
    },
    keepTrace,
    keepTraffic,
    gossipsChanges: peer.gossip,
  })
}
