// The SDK's door: a scenario or a plan, run to its verdict.
import type { Plan } from '../plan/plan.ts'
import type { Scenario } from '../scenarios/schema.ts'
import { experiment } from '../scenarios/source.ts'
import { inMacrotask } from './in-macrotask.ts'
import { run, type RunOptions, type RunResult } from './run.ts'

export interface SimulateOptions extends RunOptions {
  /** What a scenario draws chance from: same seed and version, same run. A plan has a seed of its own. @default 1 */
  readonly seed?: number | string
}

/**
 * Runs real peers in a simulated world, and judges what they did. Blocks the process meanwhile; runs asked for together
 * take turns.
 * @throws SessionMeshError INVALID_SCENARIO that names each wrong key
 */
export async function simulate(what: Scenario | Plan, options: SimulateOptions = {}): Promise<RunResult> {
  const { seed = 1, ...rest } = options
  const { plan, own } = 'machines' in what ? { plan: what } : experiment(what, String(seed))
  return await inMacrotask(() => run(plan, { own, ...rest }))
}
