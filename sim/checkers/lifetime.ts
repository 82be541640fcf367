// No session ends by itself before its time: not before nobody has used it for a whole ttl, by the one clock that is right.
import { MS, type Micros } from '../world/loop.ts'
import type { Entry } from '../workload/history.ts'
import type { CheckerKind, Scene } from './checker.ts'

/** So many ttls without a use, and a session is over, ended or not. */
const OVERDUE = 1.5

export const lifetime: CheckerKind = {
  name: 'lifetime',
  promise: 'A session that is used within its ttl again and again does not end by itself.',
  violatedWhen:
    'a session expires although a write or touch of it is younger than its ttl, and acknowledged for more than one disk',
  make: (scene, report) => {
    const ttlMs = scene.plan.peer.life?.ttlMs ?? 0
    return {
      onEvent({ kind, machine, subject: session }) {
        if (kind !== 'expired') return
        // Who had been told to end it no longer objects for the sake of a use.
        if (scene.history.wasEndedByUser(session)) return
        if (ttlMs === 0) return report(`${machine} ends ${session}, which has no ttl`, [machine])
        const idleMs = idleTimeOf(scene, session, (entry) => entry.machine === machine || entry.copies.length > 1)
        if (idleMs < ttlMs) report(`${machine} ends ${session} after ${idleMs} ms, its ttl is ${ttlMs}`, [machine])
      },
    }
  },
}

/**
 * Since the latest use that was acknowledged began, ms: when it was made lies between that and the acknowledgement.
 * @param counts which uses count: those that are known to who asks
 */
export function idleTimeOf({ history, world, plan }: Scene, session: string, counts: (use: Entry) => boolean): number {
  const uses = history.entries.filter((entry) => {
    const { operation, outcome } = entry
    // To end a session is no use of it.
    const isUse = operation.kind !== 'read' && operation.kind !== 'terminate'
    return operation.session === session && outcome === 'acked' && isUse && counts(entry)
  })
  const overdue = (plan.peer.life?.ttlMs ?? 0) * MS * OVERDUE
  let last: Micros = 0
  for (const at of uses.map(({ invokedAt }) => invokedAt).toSorted((one, other) => one - other)) {
    // Its time was long over by then: such a use may save it, and may come too late.
    if (last > 0 && at - last > overdue) break
    last = at
  }
  return (world.now - last) / MS
}
