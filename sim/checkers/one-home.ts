// Guarantee 3: one home per session on each side, by everyone's own calculation.
import type { EndCheckerKind, EndScene } from './end-scene.ts'
import { LOSS_MAX_PER_MILLION } from './false-death.ts'
import { sessionsOf } from './replicas.ts'

export const oneHome: EndCheckerKind = {
  name: 'one-home',
  promise: 'Peers that see the same members name the same home for each session, and it is alive.',
  violatedWhen: 'two peers of the converged core with equal views name different homes, or a home that is not alive',
  make: (scene, report) => ({
    atEnd({ isConverged, reads }) {
      // Under heavy loss a live peer may be buried in error between one look and the next.
      if (!isConverged || scene.plan.network.lossPerMillion > LOSS_MAX_PER_MILLION) return
      const views = new Map(scene.plan.core.map((name) => [name, viewOf(scene, name)]))
      for (const session of sessionsOf(scene)) {
        const homes = new Map<string, string>()
        for (const { machine, view } of reads.of(session)) {
          if (view === undefined) continue
          const members = views.get(machine) ?? []
          if (!members.includes(view.home))
            report(`${machine}: home of ${session} is ${view.home}, not alive`, [machine])
          const key = members.join()
          const other = homes.get(key) ?? view.home
          homes.set(key, other)
          if (other !== view.home)
            report(`${machine}: home of ${session} is ${view.home}, others say ${other}`, [machine])
        }
      }
    },
  }),
}

/** Peer ids that a peer counts as live. */
function viewOf({ world }: EndScene, name: string): string[] {
  const members = world.machine(name).peer?.members() ?? []
  const live = members.filter(({ status }) => status === 'alive' || status === 'suspect')
  return live.map(({ peer }) => peer).toSorted()
}
