// What a process would find on a disk, at the worst moments: right after a crash, and after each compaction.
import type { Entry } from '../workload/history.ts'
import type { CheckerKind, Report, Scene } from './checker.ts'
import { fingerprint, isTerminated } from './document.ts'
import { Holding } from './holding.ts'
import { hasPending, recovered } from './shadows.ts'
import { mayForget } from './tombstones.ts'

export const diskSafety: CheckerKind = {
  name: 'disk-safety',
  promise: 'A disk as it is found after a crash gives at least what was acknowledged for it, and waits for nothing.',
  violatedWhen:
    'recovery from a disk after a crash lacks a write acknowledged for it or leaves updates pending, or compaction changes what a disk holds',
  make: (scene, report) => {
    const promised = new Map<string, Entry[]>()
    return {
      onAck(entry) {
        if (entry.operation.kind === 'read') return
        for (const { machine, generation } of entry.copies) {
          if (generation === undefined) continue
          const key = `${machine} ${entry.operation.session}`
          const entries = promised.get(key) ?? []
          promised.set(key, entries)
          entries.push(entry)
        }
      },
      onRewritten(machine, session, cause, before) {
        if (cause !== 'compacted') return void promised.delete(`${machine} ${session}`)
        const { disk, hasTwin } = scene.world.machine(machine)
        const after = disk.stored(session)
        // What has rotted may be mended by compaction.
        // It may be about the disk of its twin.
        if (before === undefined || after === undefined || disk.isDamaged(session) || hasTwin) return
        const docs = [before, after].map((stored) => recovered(stored))
        // Of what is deleted, the content goes after a while.
        if (docs.every((doc) => isTerminated(doc))) return
        const [was, is] = docs.map((doc) => fingerprint(doc))
        if (was !== is) report(`compaction on ${machine} made ${session} ${is}, it was ${was}`, [machine])
      },
      onEvent({ kind, machine }) {
        if (kind === 'crash') checkDisk(scene, machine, promised, report)
      },
    }
  },
}

function checkDisk(scene: Scene, name: string, promised: ReadonlyMap<string, Entry[]>, report: Report): void {
  const { disk } = scene.world.machine(name)
  for (const session of disk.sessions()) {
    const stored = disk.stored(session)
    if (stored === undefined || disk.isDamaged(session)) continue
    const doc = recovered(stored)
    if (hasPending(doc)) report(`${session} on ${name} waits for something that is not on its disk`, [name])
    // Peers no longer compare such tombstones: what was written elsewhere to a session so long ended is void.
    if (mayForget(scene, name, session)) continue
    const holding = new Holding(doc)
    for (const entry of promised.get(`${name} ${session}`) ?? []) {
      const short = holding.lacks(entry)
      if (short !== '') report(`${entry.operation.tag} was acknowledged for ${name}, whose disk ${short}`, [name])
    }
  }
}
