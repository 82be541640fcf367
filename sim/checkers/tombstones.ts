// What checkers must know of node/life: when a deletion may be forgotten. What was is in the history.
import type { Plan } from '../plan/plan.ts'
import type { Scene } from './checker.ts'
import { isTerminated } from './document.ts'

/** Whether peers forget deletions within the run. */
export function forgetsDeletions({ peer }: Plan): boolean {
  return (peer.life?.retentionMs ?? 0) > 0
}

/** Whether the machine's disk has the session ended for so long that its peer may forget it any moment. */
export function mayForget({ world, shadows, plan }: Scene, machine: string, session: string): boolean {
  if (!forgetsDeletions(plan)) return false
  const doc = shadows.of(machine, session)
  if (doc === undefined || !isTerminated(doc)) return false
  const purgeAt = doc.getMap('$session').get('purgeAt')
  return typeof purgeAt === 'number' && world.machine(machine).drift.now() >= purgeAt
}
