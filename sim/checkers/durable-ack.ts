// Guarantee 1, at the moment it is given: every disk that a receipt names holds the write and all it depends on; or has
// let go of it, and others hold it instead.
import type { CheckerKind } from './checker.ts'
import { mayForget } from './tombstones.ts'

export const durableAck: CheckerKind = {
  name: 'durable-ack',
  promise: 'A receipt names only disks that hold the write and everything it depends on, or whose place others took.',
  violatedWhen:
    'at the moment of the acknowledgement a disk that it names lacks the write, or what that depends on, and no other holds it instead',
  make: (scene, report) => {
    const { plan, copies } = scene
    const { replicationFactor } = plan.peer
    const factor = replicationFactor === 'all' ? plan.machines.length : replicationFactor
    return {
      onAck(entry) {
        const { tag, kind } = entry.operation
        if (kind === 'read') return
        // What a wiped or rotten disk has lost, the peer may not know yet.
        const named = entry.copies.filter(({ generation }) => generation !== undefined)
        const lacks = named.map(({ machine }) => ({ machine, lack: copies.lack(machine, entry) }))
        // Peers no longer compare a tombstone so old: what was written elsewhere to its session is void.
        const short = lacks.filter(
          ({ machine, lack }) => lack !== '' && !mayForget(scene, machine, entry.operation.session),
        )
        // Who lets go has proved that as many others hold it as there are replicas.
        const owed = Math.min(named.length, factor)
        if (short.length === 0 || copies.holders(entry).length + copies.harmed(entry) >= owed) return
        for (const { machine, lack } of short) {
          report(`${tag} was acknowledged for ${machine}, whose disk ${lack}`, [machine])
        }
      },
    }
  },
}
