// The verbs of the command line, in the order of its help. A new one is a file beside this and a line here.
import type { Command } from 'commander'
import { registerConformance } from './conformance.ts'
import { registerList } from './list.ts'
import { registerReplay } from './replay.ts'
import { registerRun } from './run.ts'
import { registerScale } from './scale.ts'
import { registerShrink } from './shrink.ts'
import { registerSwarm } from './swarm.ts'

export const VERBS: readonly ((program: Command) => void)[] = [
  registerRun,
  registerSwarm,
  registerReplay,
  registerShrink,
  registerScale,
  registerConformance,
  registerList,
]
