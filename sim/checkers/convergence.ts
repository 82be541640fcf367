// Guarantee 2: after the heal all replicas become equal, within the time that the plan gives them.
import * as Y from 'yjs'
import { digestOf, toHex, toJson } from '../../crdt/index.ts'
import type { CheckerKind, Scene } from './checker.ts'

export const convergence: CheckerKind = {
  name: 'convergence',
  violatedWhen: 'peers of the healed core do not become equal in time, or equal digests hide different content',
  make: (scene, report) => ({
    atEnd(isConverged) {
      if (!isConverged)
        return report(`after ${scene.plan.settleMs} ms: ${differences(scene).join('; ')}`, scene.plan.core)
      for (const session of sessionsOf(scene)) compareContent(scene, session, report)
    },
  }),
}

/** Whether every peer of the core is up, sees all others alive, and has on its disk what all others have. */
export function isConverged(scene: Scene): boolean {
  const { plan, world } = scene
  const peers = plan.core.map((name) => world.machine(name).peer)
  if (peers.some((peer) => peer === undefined)) return false
  for (const peer of peers) {
    const alive = peer?.members().filter(({ status, name }) => status === 'alive' && plan.core.includes(name)) ?? []
    if (alive.length !== plan.core.length) return false
  }
  return differences(scene).length === 0
}

function sessionsOf({ plan, world }: Scene): string[] {
  return [...new Set(plan.core.flatMap((name) => world.machine(name).disk.sessions()))].toSorted()
}

function differences(scene: Scene): string[] {
  const { plan, shadows } = scene
  return sessionsOf(scene).flatMap((session) => {
    const digests = plan.core.map((name) => {
      const doc = shadows.of(name, session)
      return doc === undefined ? 'nothing' : toHex(digestOf(doc)).slice(0, 8)
    })
    const isEqual = new Set(digests).size <= 1
    return isEqual ? [] : [`${session}: ${plan.core.map((name, index) => `${name} ${digests[index]}`).join(', ')}`]
  })
}

/** Equal digests must mean equal content: a reused client id would leave them equal and the content not. */
function compareContent({ plan, shadows }: Scene, session: string, report: (message: string) => void): void {
  const views = plan.core.map((name) => {
    const doc = shadows.of(name, session)
    if (doc === undefined) return 'nothing'
    if (doc.store.pendingStructs !== null || doc.store.pendingDs !== null) return `${name} has pending structs`
    return JSON.stringify([toJson(doc), [...Y.encodeStateVector(doc)].length])
  })
  if (new Set(views).size > 1) report(`${session} is equal by digest, but not by content: ${views.join(' / ')}`)
}
