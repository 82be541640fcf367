// Who should hold what at the end, and whether it has come to that.
import { isTerminated } from './document.ts'
import type { EndScene } from './end-scene.ts'

/** Sessions on any disk of the core, in order. */
export function sessionsOf({ plan, world, history }: EndScene): string[] {
  const sessions = new Set(plan.core.flatMap((name) => world.machine(name).disk.sessions()))
  // Who has forgotten a tombstone first is told from the others for a while.
  return [...sessions].filter((session) => !history.forgotten.has(session)).toSorted()
}

/** Machines that must hold the session once the core has converged. */
export function holdersOf({ plan }: EndScene, _session: string): readonly string[] {
  return plan.core
}

/** Whether every peer of the core is up, sees all others alive, and has on its disk what all others have. */
export function isConverged(scene: EndScene): boolean {
  return strangers(scene).length === 0 && differences(scene).length === 0 && mortals(scene).length === 0
}

/** Sessions that are still to end by themselves: nobody touches them any more, so they will. */
export function mortals(scene: EndScene): string[] {
  if ((scene.plan.peer.life?.ttlMs ?? 0) === 0) return []
  return sessionsOf(scene).filter((session) => {
    const doc = holdersOf(scene, session).map((name) => scene.shadows.of(name, session))[0]
    return doc !== undefined && !isTerminated(doc)
  })
}

/**
 * Members of the core that are down, or that another of them does not see alive; in words.
 * @param isSuspectSeen whether a suspect counts: where gossip is lost, anyone may be one for a moment
 */
export function strangers({ plan, world }: EndScene, isSuspectSeen = false): string[] {
  return plan.core.flatMap((name) => {
    const { peer } = world.machine(name)
    if (peer === undefined) return [`${name} is down`]
    const isSeen = (status: string) => status === 'alive' || (isSuspectSeen && status === 'suspect')
    const alive = new Set(peer.members().flatMap((member) => (isSeen(member.status) ? [member.name] : [])))
    return plan.core.filter((other) => !alive.has(other)).map((other) => `${name} does not see ${other} alive`)
  })
}

/** Sessions that are not equal on all disks that should hold them; in words. */
export function differences(scene: EndScene): string[] {
  return sessionsOf(scene).flatMap((session) => {
    const machines = holdersOf(scene, session)
    const digests = machines.map((name) => scene.shadows.digest(name, session) ?? 'nothing')
    if (new Set(digests).size <= 1) return []
    return [`${session}: ${machines.map((name, index) => `${name} ${digests[index]?.slice(0, 8)}`).join(', ')}`]
  })
}
