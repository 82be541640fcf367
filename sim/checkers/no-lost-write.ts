// Guarantee 1, at the end: what was acknowledged is there, as long as one disk that acknowledged it was kept.
import { tagsOf } from '../workload/content.ts'
import type { Entry } from '../workload/history.ts'
import type { CheckerKind, Scene } from './checker.ts'
import { readable } from './readable.ts'

export const noLostWrite: CheckerKind = {
  name: 'no-lost-write',
  violatedWhen: 'an acknowledged write is missing although a disk that acknowledged it was kept',
  make: (scene, report) => ({
    atEnd(isConverged) {
      if (!isConverged) return
      const taken = takenAway(scene)
      for (const entry of scene.history.entries) {
        if (entry.outcome !== 'acked' || !isOwed(scene, entry)) continue
        const lost = missing(scene, entry, taken)
        if (lost !== undefined) report(`${entry.operation.tag}, acknowledged by ${holders(entry)}: ${lost}`)
      }
    },
  }),
}

/** Whether a disk that acknowledged the write has kept everything since, in a machine that is part of the core. */
function isOwed({ world, plan }: Scene, entry: Entry): boolean {
  return entry.copies.some(
    ({ machine, generation }) => plan.core.includes(machine) && world.machine(machine).disk.generation === generation,
  )
}

/** Tags that some applied operation took away, or wrote over. */
function takenAway({ history }: Scene): Map<string, Entry[]> {
  const taken = new Map<string, Entry[]>()
  for (const entry of history.entries) {
    if (entry.replaced === undefined || !entry.isApplied) continue
    const by = taken.get(entry.replaced) ?? []
    taken.set(entry.replaced, by)
    by.push(entry)
  }
  return taken
}

function missing(scene: Scene, entry: Entry, taken: ReadonlyMap<string, readonly Entry[]>): string | undefined {
  const { session, kind, tag, key } = entry.operation
  const doc = readable(scene, session)
  if (doc === undefined) return `session ${session} is gone`
  if (doc === 'terminated') return undefined
  const { map, others } = tagsOf(doc)
  if (kind === 'push' || kind === 'type') {
    return others.has(tag) || taken.has(tag) ? undefined : 'its value is not there, and nobody took it away'
  }
  if (entry.replaced !== undefined) {
    const isBack = others.has(entry.replaced) || [...map.values()].includes(entry.replaced)
    if (isBack) return `${entry.replaced}, which it took away, is there`
  }
  if (kind !== 'set' && kind !== 'create') return undefined
  // Overwritten by a later or a concurrent write of the same key, or deleted; but never simply gone.
  if (map.get(key) === tag || taken.has(tag)) return undefined
  const rivals = scene.history.entries.some(
    (other) => other !== entry && other.isApplied && other.operation.session === session && other.operation.key === key,
  )
  return rivals ? undefined : `key ${key} holds ${map.get(key)}`
}

function holders(entry: Entry): string {
  return entry.copies.map(({ machine }) => machine).join(', ')
}
