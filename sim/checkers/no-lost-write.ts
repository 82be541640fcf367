// Guarantee 1, at the end: what was acknowledged is there, unless faults have destroyed copies of it, or it is only on
// disks that the core can't reach.
import type { Entry } from '../workload/history.ts'
import type { EndCheckerKind, EndScene } from './end-scene.ts'
import { promised } from './copies.ts'
import { isTerminated } from './document.ts'
import { Holding } from './holding.ts'
import { holdersOf } from './replicas.ts'

export const noLostWrite: EndCheckerKind = {
  name: 'no-lost-write',
  promise: 'What was acknowledged is there, as long as no disk that held it was lost.',
  violatedWhen:
    'an acknowledged write is missing although a disk of the core has it, or no fault destroyed a copy of it',
  make: (scene, report) => ({
    atEnd({ isConverged }) {
      if (!isConverged) return
      const holdings = new Map<string, Holding | undefined>()
      for (const entry of scene.history.entries) {
        const { session, kind, tag } = entry.operation
        if (entry.outcome !== 'acked' || kind === 'read' || !isOwed(scene, entry)) continue
        if (scene.history.isGone(session)) continue
        if (!holdings.has(session)) holdings.set(session, readable(scene, session))
        const holding = holdings.get(session)
        const lost = holding === undefined ? 'is gone' : missing(scene, entry, holding)
        if (lost !== '') report(`${tag}, acknowledged by ${holders(entry)}: ${session} ${lost}`)
      }
    },
  }),
}

/** Whether the core has the write on a disk, or nobody has although no fault took it. */
export function isOwed({ plan, copies }: EndScene, entry: Entry): boolean {
  const holders = copies.holders(entry)
  if (holders.some((machine) => plan.core.includes(machine))) return true
  return holders.length === 0 && copies.harmed(entry) === 0 && promised(entry) > 0
}

function missing({ history }: EndScene, entry: Entry, holding: Holding): string {
  const { kind, tag } = entry.operation
  const short = holding.lacks(entry)
  // A session that somebody has terminated shows nothing any more.
  if (short !== '' || isTerminated(holding.doc) || !SHOWS.has(kind)) return short
  return holding.shown.has(tag) || history.wasTaken(tag) ? '' : 'does not show it, and nobody took it away'
}

/** Operations that leave a value with their tag. */
const SHOWS: ReadonlySet<string> = new Set(['create', 'set', 'push', 'type'])

/** The session on the first machine of the core that keeps it, or else holds it. */
function readable(scene: EndScene, session: string): Holding | undefined {
  for (const name of [...holdersOf(scene, session), ...scene.plan.core]) {
    const doc = scene.shadows.of(name, session)
    if (doc !== undefined) return new Holding(doc)
  }
  return undefined
}

function holders(entry: Entry): string {
  return entry.copies.map(({ machine }) => machine).join(', ')
}
