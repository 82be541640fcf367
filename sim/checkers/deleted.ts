// Guarantee 4, and the same for parts of a session: what was deleted does not come back, on any disk or for any user.
import { tagsOf } from '../workload/content.ts'
import type { Report } from './checker.ts'
import type { EndCheckerKind, EndScene } from './end-scene.ts'
import { isTerminated } from './document.ts'
import { isOwed } from './no-lost-write.ts'
import { holdersOf } from './replicas.ts'

export const deleted: EndCheckerKind = {
  name: 'deleted-stays-deleted',
  promise: 'A terminated session stays terminated, a deleted value stays deleted.',
  violatedWhen:
    'a value comes back to a disk that had deleted it, a terminated session is no longer so, is served by a peer that keeps it or has heard of its end, or is written to by a peer whose disk says that it is terminated',
  needsTags: true,
  make: (scene, report) => {
    const pages = new Map<string, Page>()
    const grown = new Map<string, readonly [machine: string, session: string]>()
    return {
      onSynced: (machine, session) => void grown.set(`${machine} ${session}`, [machine, session]),
      onRewritten(machine, session, cause) {
        // What was lost may be brought back in any order.
        if (cause === 'compacted') grown.set(`${machine} ${session}`, [machine, session])
        else pages.delete(`${machine} ${session}`)
      },
      onTick() {
        for (const [key, [machine, session]] of grown) {
          const page = pages.get(key) ?? { shown: new Set(), hidden: new Set(), isTerminated: false }
          pages.set(key, page)
          turn(scene, page, machine, session, report)
        }
        grown.clear()
      },
      onApplied({ operation, machine }) {
        const doc = scene.shadows.of(machine, operation.session)
        if (doc === undefined || !isTerminated(doc)) return
        report(`${operation.tag} ran on ${operation.session} at ${machine}, whose disk has it terminated`, [machine])
      },
      atEnd({ isConverged, reads }) {
        if (!isConverged) return
        const hasStrays = scene.plan.machines.length > scene.plan.core.length
        for (const session of terminated(scene)) {
          for (const { machine, error, hasHeard } of reads.of(session)) {
            if (error === 'SESSION_TERMINATED') continue
            if (error === 'SESSION_NOT_FOUND' && scene.history.forgotten.has(session)) continue
            // Who does not keep the session and had not heard of its end asks those that keep it, but answers after a while with
            // what it has; and one that is not healed may be the first to answer, or be waited for in vain.
            if (hasStrays && !hasHeard && !holdersOf(scene, session).includes(machine)) continue
            report(`${machine} answers for ${session}, which was terminated, ${error || 'with its content'}`, [machine])
          }
        }
      },
    }
  },
}

/** What a disk has shown of a session so far. */
interface Page {
  readonly shown: Set<string>
  readonly hidden: Set<string>
  isTerminated: boolean
}

function turn({ shadows }: EndScene, page: Page, machine: string, session: string, report: Report): void {
  const doc = shadows.of(machine, session)
  if (doc === undefined) return
  const { map, others } = tagsOf(doc)
  const now = new Set([...map.values(), ...others])
  for (const tag of now) {
    if (page.hidden.has(tag)) report(`${tag} was deleted from ${session} on ${machine}, and is back`, [machine])
    page.shown.add(tag)
  }
  for (const tag of page.shown) {
    if (now.has(tag)) continue
    page.shown.delete(tag)
    page.hidden.add(tag)
  }
  if (page.isTerminated && !isTerminated(doc)) report(`${session} is no longer terminated on ${machine}`, [machine])
  page.isTerminated ||= isTerminated(doc)
}

/** Sessions whose termination is owed, or is on some disk of the core. */
function terminated(scene: EndScene): Set<string> {
  const sessions = new Set<string>()
  for (const entry of scene.history.entries) {
    const { kind, session } = entry.operation
    if (kind === 'terminate' && entry.outcome === 'acked' && isOwed(scene, entry)) sessions.add(session)
  }
  for (const machine of scene.plan.core) {
    for (const session of scene.world.machine(machine).disk.sessions()) {
      const doc = scene.shadows.of(machine, session)
      if (doc !== undefined && isTerminated(doc)) sessions.add(session)
    }
  }
  return sessions
}
