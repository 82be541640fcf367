// A session whose home has died is orphaned until somebody has made sure of it: that comes to an end.
import { SECOND } from '../world/loop.ts'
import { micros } from '../world/process.ts'
import type { CheckerKind } from './checker.ts'
import { LOSS_MAX_PER_MILLION } from './false-death.ts'
import { isWhole } from './quiescence.ts'

export const adopted: CheckerKind = {
  name: 'adopted',
  promise: 'After a heal nothing is orphaned.',
  violatedWhen: 'a session is orphaned at a peer of the healed core that is equal and left alone',
  make: (scene, report) => ({
    atEnd({ isConverged }) {
      // Under heavy loss a peer may be buried in error just before the end.
      const isHeard = scene.plan.network.lossPerMillion <= LOSS_MAX_PER_MILLION
      if (!isConverged || !isWhole(scene) || !isHeard) return
      // What was sent into a clog arrives after its end, heal or no heal: somebody may still wait for an answer.
      const { plan, world } = scene
      if (plan.faults.some((fault) => fault.kind === 'clog' && micros(fault.at + fault.forMs) > world.now - SECOND))
        return
      const disks = [...scene.world.machines.values()].map(({ disk }) => disk)
      for (const name of scene.plan.core) {
        const orphaned = scene.world.machine(name).peer?.sessions.orphaned().sessions ?? []
        for (const { session, reason } of orphaned) {
          // What rests on something that a disk has lost can't be taken in by anybody.
          if (disks.some((disk) => disk.isDamaged(session))) continue
          report(`${session} is orphaned at ${name}: ${reason}`, [name])
        }
      }
    },
  }),
}
