// What is run: plans drawn from seeds, or a scenario under seeds. Plain data, so that it can be handed to workers.
import { SessionMeshError } from '../../crdt/errors.ts'
import type { Millis, Plan } from '../plan/plan.ts'
import { drawPlan, SWARM_SIZE, type SwarmSize } from '../swarm/draw.ts'
import { expand } from './expand.ts'
import { isCode, loadScenario, readScenario, type LoadedScenario } from './load.ts'
import { isOwn, type OwnCode } from './own-code.ts'
import { ScenarioProblem } from './problem.ts'
import type { ReadScenario, Scenario } from './schema.ts'

/** Sizes that win over those of the scenario, or of what is drawn. */
export interface Overrides {
  readonly peers?: number | undefined
  readonly sessions?: number | undefined
  readonly durationMs?: Millis | undefined
}

export interface Source {
  /** Name or path. Without one each seed draws a plan of its own. */
  readonly scenario?: string | undefined
  readonly overrides?: Overrides | undefined
}

/** One run to be done. */
export interface Experiment {
  readonly plan: Plan
  readonly own?: OwnCode | undefined
}

export type Experimenter = (seed: number) => Experiment

/** @throws SessionMeshError INVALID_SCENARIO that names the file, the line and what was expected */
export async function openSource({ scenario, overrides = {} }: Source): Promise<Experimenter> {
  if (scenario === undefined) {
    const size = sizeWith(overrides)
    return (seed) => ({ plan: drawPlan(seed, size) })
  }
  const loaded = await loadScenario(scenario)
  return (seed) => experimentOf(loaded, String(seed), overrides)
}

/**
 * The code that a saved run needs beside its plan.
 * @throws SessionMeshError INVALID_SCENARIO if its scenario is not where it was
 */
export async function ownCodeOf({ scenario }: { readonly scenario: string | null }): Promise<OwnCode | undefined> {
  if (scenario === null || !isCode(scenario)) return undefined
  return ownOf(readScenario((await loadScenario(scenario)).scenario))
}

/** @throws SessionMeshError INVALID_SCENARIO for a scenario that is wrong */
export function experiment(scenario: Scenario, seed: string, overrides: Overrides = {}): Experiment {
  return experimentOf({ scenario, where: (path) => ['scenario', ...path].join('.') }, seed, overrides)
}

function experimentOf({ scenario, where }: LoadedScenario, seed: string, overrides: Overrides): Experiment {
  const { peers, sessions, durationMs: duration } = overrides
  const read = readScenario({ ...scenario, ...defined({ peers, sessions, duration }) })
  try {
    return { plan: expand(read, seed), own: ownOf(read) }
  } catch (error) {
    if (!(error instanceof ScenarioProblem)) throw error
    throw new SessionMeshError('INVALID_SCENARIO', `${where(error.path.split('.'))}: ${error.path}: ${error.message}`)
  }
}

function ownOf({ workload, check }: ReadScenario): OwnCode {
  return { operations: isOwn(workload.operations) ? workload.operations : {}, check }
}

/** What is drawn happens between peers, after they have found each other. */
const DRAWN_PEERS_MIN = 2
const DRAWN_DURATION_MIN_MS = 3_000

function sizeWith({ peers, sessions, durationMs }: Overrides): SwarmSize {
  if (peers !== undefined && peers < DRAWN_PEERS_MIN) throw tooSmall('peers', `${DRAWN_PEERS_MIN}`)
  if (durationMs !== undefined && durationMs < DRAWN_DURATION_MIN_MS)
    throw tooSmall('duration', `${DRAWN_DURATION_MIN_MS}ms`)
  return {
    ...SWARM_SIZE,
    ...(peers === undefined ? {} : { peersMin: peers, peersMax: peers }),
    ...(sessions === undefined ? {} : { sessionsMax: sessions }),
    ...(durationMs === undefined ? {} : { chaosMs: durationMs }),
  }
}

function tooSmall(what: string, least: string): SessionMeshError {
  return new SessionMeshError('INVALID_ARGUMENT', `${what}: expected at least ${least} where faults are drawn`)
}

function defined<T extends object>(values: T): { [K in keyof T]: NonNullable<T[K]> } {
  const entries = Object.entries(values).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries) as { [K in keyof T]: NonNullable<T[K]> }
}
