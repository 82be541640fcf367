// Guarantee 2: after the heal all replicas become equal, within the time that the plan gives them. Equal in what a user
// sees, too: equal digests could hide different content under a reused client id.
import * as Y from 'yjs'
import { toJson } from '../../crdt/index.ts'
import type { Report } from './checker.ts'
import type { EndCheckerKind, EndScene } from './end-scene.ts'
import { fingerprint } from './document.ts'
import { differences, holdersOf, mortals, sessionsOf } from './replicas.ts'
import { hasPending } from './shadows.ts'

export const convergence: EndCheckerKind = {
  name: 'convergence',
  promise: 'After a heal all replicas hold equal documents.',
  violatedWhen:
    'disks of the healed core do not become equal in time, differ in content, hold back updates, or hold something else than all their logs merged',
  make: (scene, report) => ({
    atEnd({ isConverged }) {
      const unequal = differences(scene)
      const immortal = mortals(scene)
      if (unequal.length === 0 && immortal.length > 0) {
        return report(`after ${scene.plan.settleMs} ms nobody has ended ${immortal.join(', ')}`, scene.plan.core)
      }
      if (unequal.length > 0) return report(`after ${scene.plan.settleMs} ms: ${unequal.join('; ')}`, scene.plan.core)
      if (isConverged) for (const session of sessionsOf(scene)) compareContent(scene, session, report)
    },
  }),
}

function compareContent(scene: EndScene, session: string, report: Report): void {
  const machines = holdersOf(scene, session)
  const contents = machines.map((name) => {
    const doc = scene.shadows.of(name, session)
    if (doc === undefined) return 'nothing'
    // On a disk that has lost something the rest is kept: what it rests on may yet come, if anyone has it.
    if (hasPending(doc) && !scene.world.machine(name).disk.isDamaged(session))
      report(`${session} on ${name} waits for an update that it rests on`, [name])
    return contentOf(doc)
  })
  if (new Set(contents).size > 1) {
    report(`${session} is equal by digest, but not by content: ${contents.join(' / ')}`, machines)
    return
  }
  const merged = mergedLogs(scene, machines, session)
  const [first] = machines
  if (first === undefined || merged === undefined || merged.store.clients.size === 0) return
  if (fingerprint(merged) !== scene.shadows.digest(first, session) || contentOf(merged) !== contents[0]) {
    report(`${session} is ${contents[0]} on every disk, but all logs merged give ${contentOf(merged)}`, machines)
  }
}

/** A document made of everything that any of the disks holds of the session. */
function mergedLogs({ world }: EndScene, machines: readonly string[], session: string): Y.Doc | undefined {
  const updates = machines.flatMap((name) => {
    const stored = world.machine(name).disk.stored(session)
    if (stored === undefined) return []
    const tail = stored.tail.map(({ update }) => update)
    return stored.base === undefined ? tail : [stored.base.update, ...tail]
  })
  if (updates.length === 0) return undefined
  const doc = new Y.Doc({ guid: 'merged' })
  Y.applyUpdate(doc, Y.mergeUpdates(updates))
  return doc
}

function contentOf(doc: Y.Doc): string {
  return JSON.stringify(toJson(doc))
}
