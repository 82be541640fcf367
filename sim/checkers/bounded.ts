// Nothing grows without bound, and nothing is left over.
import type { MeshPeer } from '../../node/peer.ts'
import type { CheckerKind, Scene } from './checker.ts'

/** Log records of a session at which its log is folded (historyRecordsMax); more may come while it is. */
const TAIL_RECORDS_MAX = 2 * 1_000
/** Updates that a session parks. */
const PARKED_MAX = 256

/** Looked at every so many ticks. */
const TICKS = 10

export const bounded: CheckerKind = {
  name: 'bounded',
  promise: 'Logs, queues and parked updates are bounded, and empty once all are equal and idle.',
  violatedWhen:
    'a log is not compacted, more is parked than the limit, or writes, frames or parked updates still wait in a converged mesh',
  make: ({ plan, world }, report) => {
    let ticks = 0
    return {
      onTick() {
        // What grows without bound is still there a second later.
        if (ticks++ % TICKS !== 0) return
        for (const { name, peer } of world.machines.values()) {
          const parked = peer?.replication.status().parked ?? 0
          const sessions = world.machine(name).disk.sessions().length + 1
          if (parked > PARKED_MAX * sessions) report(`${name} has parked ${parked} updates`, [name])
        }
      },
      atEnd({ isConverged }) {
        if (!isConverged) return
        for (const name of plan.core) {
          const { peer, disk } = world.machine(name)
          for (const session of disk.sessions()) {
            const records = disk.stored(session)?.tail.length ?? 0
            if (records > TAIL_RECORDS_MAX) report(`${name} keeps ${records} log records of ${session}`, [name])
          }
          const left = peer === undefined ? '' : leftOver(peer, { plan, world })
          if (left !== '') report(`${name} is idle with ${left}`, [name])
        }
      },
    }
  },
}

/** Whether nothing is left over in the core: on lossy links an acknowledgement may come long after what it is about. */
export function isAtRest(scene: Pick<Scene, 'plan' | 'world'>): boolean {
  return scene.plan.core.every((name) => {
    const { peer } = scene.world.machine(name)
    return peer === undefined || leftOver(peer, scene) === ''
  })
}

function leftOver(peer: MeshPeer, { plan, world }: Pick<Scene, 'plan' | 'world'>): string {
  const { core } = plan
  const { replicationFactor: factor } = plan.peer
  // A process that ended may have taken with it what others have parked the next change for.
  const anyEnded = [...world.machines.values()].some(({ isRunning, incarnation }) => !isRunning || incarnation > 1)
  // Who is no replica any more may never get what an update waits for; how many it keeps is bounded.
  const mayWait = anyEnded || factor !== 'all'
  const { pendingWrites, parked, replicas } = peer.replication.status()
  const frames = replicas.flatMap(({ name, pendingFrames }) => {
    return pendingFrames > 0 && core.includes(name) ? [`${pendingFrames} frames pending at ${name}`] : []
  })
  const others = [
    ...(pendingWrites > 0 ? [`${pendingWrites} writes pending`] : []),
    ...(parked > 0 && !mayWait ? [`${parked} updates parked`] : []),
  ]
  return [...others, ...frames].join(', ')
}
