// Guarantee 4 beyond its term: when a deletion is no longer remembered, what was deleted is nowhere any more, and who was
// away does not bring it back. The id may be used again, for something new: nothing of the old comes into that. A peer that
// never heard of the deletion may do so as soon as it need not be remembered, before any other has forgotten it.
import { CLOCK_SKEW_MAX_MS } from '../plan/life.ts'
import { NOTHING_DONE } from '../workload/clients.ts'
import { tagsOf } from '../workload/content.ts'
import type { Entry } from '../workload/history.ts'
import { MS, type Micros } from '../world/loop.ts'
import type { CheckerKind, Report, Scene } from './checker.ts'
import { isTerminated } from './document.ts'

/** By how much clocks differ, at most. */
const SKEW: Micros = CLOCK_SKEW_MAX_MS * MS

export const noResurrection: CheckerKind = {
  name: 'no-resurrection',
  promise: 'A session whose deletion is forgotten does not come back, whoever comes back; its id can be used again.',
  violatedWhen:
    'a session is written to a disk, or is left on one of the core, alive after a peer has forgotten its tombstone; or one that was then created anew shows a value of before, or is ended by that tombstone',
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
      atEnd({ isConverged }) {
        for (const [session, since] of scene.history.forgotten) {
          for (const machine of scene.plan.core) look(scene, machine, session, report)
          if (isConverged && isToLive(scene, session, since)) lookAlive(scene, session, report)
        }
      },
    }
  },
}

function look(scene: Scene, machine: string, session: string, report: Report): void {
  const doc = scene.history.forgotten.has(session) ? scene.shadows.of(machine, session) : undefined
  if (doc === undefined || isTerminated(doc)) return
  const since = usableFrom(scene, session) - SKEW
  if (!entriesOf(scene, session).some((entry) => mayCreate(entry, since))) {
    report(`${session} is alive on ${machine}, although its tombstone was forgotten`, [machine])
    return
  }
  const { map, others } = tagsOf(doc)
  for (const tag of [...map.values(), ...others]) {
    if (isOfBefore(scene.history.byTag(tag), since)) report(`${tag} came back with ${session} on ${machine}`, [machine])
  }
}

function lookAlive({ plan, shadows }: Scene, session: string, report: Report): void {
  const docs = plan.core.map((machine) => shadows.of(machine, session))
  if (docs.some((doc) => doc !== undefined && !isTerminated(doc))) return
  report(`${session} was created anew, and is not alive any more though nobody has ended it since`)
}

/** When its first deletion could be forgotten; of one that nobody asked for it is only known when it was. */
function usableFrom(scene: Scene, session: string): Micros {
  const { forgotten } = scene.history
  const retention = (scene.plan.peer.life?.retentionMs ?? 0) * MS
  const ends = entriesOf(scene, session).filter(({ operation, isApplied }) => {
    return operation.kind === 'terminate' && isApplied
  })
  return Math.min(forgotten.get(session) ?? Infinity, ...ends.map(({ invokedAt }) => invokedAt + retention))
}

function entriesOf({ history }: Scene, session: string): Entry[] {
  return history.entries.filter(({ operation }) => operation.session === session)
}

/** The id may be used again by then. The session is on the disk before the client's own value is in it. */
function mayCreate({ operation, outcome, endedAt, error }: Entry, since: Micros): boolean {
  if (operation.kind !== 'create') return false
  return outcome === 'pending' || (endedAt >= since && !(outcome === 'refused' && NOTHING_DONE.has(error)))
}

/** A value that was written before the id could be used again. */
function isOfBefore(entry: Entry | undefined, since: Micros): boolean {
  return entry !== undefined && entry.isApplied && entry.outcome !== 'pending' && entry.endedAt < since
}

/** Whether somebody was told that it is created anew, and nobody has ended it since. */
function isToLive(scene: Scene, session: string, since: Micros): boolean {
  const later = entriesOf(scene, session).filter(({ endedAt }) => endedAt >= since)
  const isCreated = later.some(({ operation, outcome, invokedAt }) => {
    return operation.kind === 'create' && outcome === 'acked' && invokedAt >= since
  })
  return (
    isCreated && !later.some(({ operation }) => operation.kind === 'terminate') && !scene.history.expired.has(session)
  )
}
