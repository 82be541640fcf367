// What checkers must know of node/life: when a deletion may be forgotten, and what became of a session by that.
import type { Scene } from './checker.ts'
import { isTerminated } from './document.ts'

/** Whether the machine's disk has the session ended for so long that its peer may forget it any moment. */
export function mayForget({ world, shadows, plan }: Scene, machine: string, session: string): boolean {
  if ((plan.peer.life?.retentionMs ?? 0) === 0) return false
  const doc = shadows.of(machine, session)
  if (doc === undefined || !isTerminated(doc)) return false
  const purgeAt = doc.getMap('$session').get('purgeAt')
  return typeof purgeAt === 'number' && world.machine(machine).drift.now() >= purgeAt
}
