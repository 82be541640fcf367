// Guarantee 3's ground: everyone sees who is there, and nobody who is not.
import { SECOND, type Micros } from '../world/loop.ts'
import type { EndCheckerKind, EndScene } from './end-scene.ts'
import { LOSS_MAX_PER_MILLION } from './false-death.ts'
import { strangers } from './replicas.ts'

/** A peer that has been gone for so long is known to be: its silence, its suspicion and some more. */
const GONE: Micros = 5 * SECOND

export const membership: EndCheckerKind = {
  name: 'membership',
  promise: 'After a heal all see all alive, and nobody who is gone for good.',
  violatedWhen: 'a peer of the healed core is not alive in the view of another in time, or one that is gone is',
  make: (scene, report) => {
    const downSince = new Map<string, Micros>()
    return {
      onEvent({ at, kind, machine }) {
        if (kind === 'crash') downSince.set(machine, at)
        if (kind === 'start') downSince.delete(machine)
      },
      atEnd({ isConverged }) {
        // All have seen all alive when they converged; under heavy loss one may be buried in error at any time after.
        const isExcused = isConverged && scene.plan.network.lossPerMillion > LOSS_MAX_PER_MILLION
        const strange = isExcused ? [] : strangers(scene, isConverged)
        if (strange.length > 0) return report(strange.join('; '), scene.plan.core)
        for (const gone of ghosts(scene, downSince)) report(gone, scene.plan.core)
      },
    }
  },
}

/** Peers that the core counts as live although no process of that name runs. */
function ghosts({ plan, world }: EndScene, downSince: ReadonlyMap<string, Micros>): string[] {
  return plan.core.flatMap((name) => {
    const members = world.machine(name).peer?.members() ?? []
    return members.flatMap((member) => {
      const machine = world.machines.get(member.name)
      if (machine === undefined || (member.status !== 'alive' && member.status !== 'suspect')) return []
      if (machine.hasTwin || (machine.isRunning && machine.lastPeerId === member.peer)) return []
      const since = downSince.get(member.name) ?? 0
      return world.now - since < GONE ? [] : [`${name} sees ${member.name} ${member.status}, which is gone`]
    })
  })
}
