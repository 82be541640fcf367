// The simulator: real peers under partitions, crashes and loss, from a seed.
//
//   import { simulate } from 'sessionmesh/sim'
//   const result = await simulate(plan)
export { drawPlan, SWARM_SIZE, type SwarmSize } from './swarm/draw.ts'
export { Recorder, renderReport, type Recording } from './report/index.ts'
export { simulate } from './run/simulate.ts'
export type { Violation } from './checkers/checker.ts'
export type * from './plan/fault.ts'
export type * from './plan/plan.ts'
export type { RunOptions, RunResult, Verdict } from './run/run.ts'
