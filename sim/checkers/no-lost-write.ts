// Guarantee 1, at the end: what was acknowledged is there, as long as one disk that acknowledged it was kept.
import type { Entry } from '../workload/history.ts'
import type { EndCheckerKind, EndScene } from './end-scene.ts'
import { isTerminated } from './document.ts'
import { Holding } from './holding.ts'
import { holdersOf } from './replicas.ts'

export const noLostWrite: EndCheckerKind = {
  name: 'no-lost-write',
  promise: 'What was acknowledged is there, as long as one disk that acknowledged it was kept.',
  violatedWhen: 'an acknowledged write is missing although a disk that acknowledged it was kept',
  make: (scene, report) => ({
    atEnd({ isConverged }) {
      if (!isConverged) return
      const holdings = new Map<string, Holding | undefined>()
      for (const entry of scene.history.entries) {
        const { session, kind, tag } = entry.operation
        if (entry.outcome !== 'acked' || kind === 'read' || !isOwed(scene, entry)) continue
        if (scene.history.forgotten.has(session) || scene.history.aside.has(session)) continue
        if (!holdings.has(session)) holdings.set(session, readable(scene, session))
        const holding = holdings.get(session)
        const lost = holding === undefined ? 'is gone' : missing(scene, entry, holding)
        if (lost !== '') report(`${tag}, acknowledged by ${holders(entry)}: ${session} ${lost}`)
      }
    },
  }),
}

/** Whether a disk that acknowledged the write has kept everything since, in a machine that is part of the core. */
export function isOwed({ world, plan }: EndScene, { copies, operation }: Entry): boolean {
  return copies.some(({ machine, generation }) => {
    return plan.core.includes(machine) && world.machine(machine).disk.generationOf(operation.session) === generation
  })
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

/** The session on the first machine of the core that holds it. */
function readable(scene: EndScene, session: string): Holding | undefined {
  for (const name of holdersOf(scene, session)) {
    const doc = scene.shadows.of(name, session)
    if (doc !== undefined) return new Holding(doc)
  }
  return undefined
}

function holders(entry: Entry): string {
  return entry.copies.map(({ machine }) => machine).join(', ')
}
