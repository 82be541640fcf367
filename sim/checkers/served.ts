// Guarantee 2, as users meet it: every peer serves every session, and what it serves is what lies on its disk.
import { concatenate, hash128, HashTree, shardOf, toHex, toJson } from '../../crdt/index.ts'
import type { Report } from './checker.ts'
import type { EndCheckerKind, EndScene } from './end-scene.ts'
import { fingerprint, isTerminated } from './document.ts'
import { isWhole } from './quiescence.ts'
import { holdersOf } from './replicas.ts'
import type { FinalRead } from './final-reads.ts'
import { forgetsDeletions } from './tombstones.ts'

export const served: EndCheckerKind = {
  name: 'served',
  promise: 'Any peer serves any session, as all others do and as it lies on the disks.',
  violatedWhen: "a peer's live document or hash tree differs from what is on the disks, or it does not serve a session",
  make: (scene, report) => ({
    atEnd({ isConverged, reads }) {
      if (!isConverged) return
      if (!reads.areDone) report('some peer of the core does not answer for all sessions', scene.plan.core)
      // Machines that are not healed may bring news to the core at any time.
      if (!isWhole(scene)) return
      for (const read of reads.reads) compareRead(scene, read, report)
      // Which tombstones have left the trees by now the disks don't tell.
      if (forgetsDeletions(scene.plan)) return
      for (const [machine, { hash }] of reads.hashes) {
        const expected = treesOf(scene, machine)
        if (hash === expected) continue
        report(`the hash trees of ${machine} say ${hash}, what is on its disk gives ${expected}`, [machine])
      }
    },
  }),
}

function compareRead(scene: EndScene, { machine, session, view, error }: FinalRead, report: Report): void {
  const [holder] = holdersOf(scene, session)
  const doc = holder === undefined ? undefined : scene.shadows.of(holder, session)
  if (doc === undefined || isTerminated(doc)) return
  if (view === undefined) return report(`${machine} refuses ${session}: ${error}`, [machine])
  const digest = fingerprint(doc)
  if (view.digest !== digest) {
    return report(`${machine} serves ${session} with digest ${view.digest}, on disk it is ${digest}`, [machine])
  }
  const [shown, stored] = [canonical({ data: view.data, ...view.types }), canonical(toJson(doc))]
  if (shown !== stored) report(`${machine} serves ${session} as ${shown}, on disk it is ${stored}`, [machine])
}

function canonical(types: Readonly<Record<string, unknown>>): string {
  return JSON.stringify(Object.entries(types).toSorted(([one], [other]) => (one < other ? -1 : 1)))
}

/** What `contentHash` must be, from the disk alone. */
function treesOf({ plan, world, shadows }: EndScene, machine: string): string {
  const { shardCount } = plan.peer
  const trees = Array.from({ length: shardCount }, () => new HashTree())
  for (const session of world.machine(machine).disk.sessions()) {
    const doc = shadows.of(machine, session)
    if (doc !== undefined) trees[shardOf(session, shardCount)]?.set(session, Buffer.from(fingerprint(doc), 'hex'))
  }
  return toHex(hash128(concatenate(trees.map((tree) => tree.root()))))
}
