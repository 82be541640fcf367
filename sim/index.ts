// The simulator: real peers under partitions, crashes and loss, from a seed.
//
//   import { scenario, simulate } from 'sessionmesh/sim'
//
//   const { verdict, violations } = await simulate({ ...scenario('split-halves'), peers: 7 }, { seed: 42 })
//
// With operations and a check of your own (docs/SIMULATOR.md):
//
//   await simulate({
//     ...scenario('split-halves'),
//     workload: { operations: { add: (doc, { tag }) => doc.getArray('items').push([tag]) } },
//     check: (docs, calls) => { /* throws if the documents are not as they must be */ },
//   })
export { simulate, type SimulateOptions } from './run/simulate.ts'
export { scenario, scenarioNames } from './scenarios/load.ts'
export type { Scenario } from './scenarios/schema.ts'
export type { Call, Called, Check, OwnOperation } from './scenarios/own-code.ts'
export { drawPlan, SWARM_SIZE, type SwarmSize } from './swarm/draw.ts'
export { Recorder, renderReport, type Recording } from './report/index.ts'
export type { Violation } from './checkers/checker.ts'
export type * from './plan/fault.ts'
export type * from './plan/plan.ts'
export type { RunOptions, RunResult, Verdict } from './run/run.ts'
