// Guarantee 4 beyond its term: when a deletion is no longer remembered, what was deleted is nowhere any more, and who was
// away does not bring it back.
import type { Micros } from '../world/loop.ts'
import type { CheckerKind, Report, Scene } from './checker.ts'
import { isTerminated } from './document.ts'

export const noResurrection: CheckerKind = {
  name: 'no-resurrection',
  promise: 'A session whose deletion is forgotten does not come back, whoever comes back.',
  violatedWhen:
    'a session is written to a disk, or is left on one of the core, alive after a peer has forgotten its tombstone',
  make: (scene, report) => {
    const grown = new Set<string>()
    return {
      onSynced: (machine, session) => void grown.add(`${machine} ${session}`),
      onTick() {
        for (const key of grown) {
          const [machine = '', session = ''] = key.split(' ')
          look(scene, machine, session, report)
        }
        grown.clear()
      },
      atEnd() {
        for (const machine of scene.plan.core) {
          for (const session of scene.history.forgotten.keys()) look(scene, machine, session, report)
        }
      },
    }
  },
}

function look(scene: Scene, machine: string, session: string, report: Report): void {
  const since = scene.history.forgotten.get(session)
  const doc = since === undefined ? undefined : scene.shadows.of(machine, session)
  if (since === undefined || doc === undefined || isTerminated(doc) || isNew(scene, session, since)) return
  report(`${session} is alive on ${machine}, although its tombstone was forgotten`, [machine])
}

/** The id may be used again by then. */
function isNew({ history }: Scene, session: string, since: Micros): boolean {
  return history.entries.some(
    ({ operation, isApplied, endedAt }) =>
      operation.session === session && operation.kind === 'create' && isApplied && endedAt >= since,
  )
}
