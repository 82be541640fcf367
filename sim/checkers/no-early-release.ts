// The one rule of docs/REPLICATION.md: nobody removes a copy that others may still count on.
import type { CheckerKind } from './checker.ts'
import { promised } from './copies.ts'
import { isTerminated } from './document.ts'
import { isDrained, replicasMin } from './keepers.ts'
import { recovered } from './shadows.ts'
import { forgetsDeletions } from './tombstones.ts'

export const noEarlyRelease: CheckerKind = {
  name: 'no-early-release',
  promise: 'A peer lets go of a copy only when the replicas hold it, on as many disks as it was acknowledged for.',
  violatedWhen:
    'a peer removes a session and an acknowledged write is then on fewer disks than it was acknowledged for',
  make: ({ plan, world, history, copies }, report) => {
    /** What was removed a moment ago, and why that was too early: it may turn out to have been set aside. */
    const early = new Map<string, { readonly machine: string; readonly messages: readonly string[] }>()

    /**
     * How many replicas there were to be when a peer gave the order to remove a session. The copy is gone for the peer then
     * and can't be called back, while the disk may take long: what becomes of the members meanwhile (a drain is taken back)
     * it could not know.
     */
    const orders = new Map<string, number>()

    function replicasNow(machine: string): number {
      const { replicationFactor } = plan.peer
      const members = world.machine(machine).peer?.members() ?? []
      // Who drains hands over to those that are there, and they may be fewer.
      if (isDrained(members)) return replicasMin(members, replicationFactor)
      return replicationFactor === 'all' ? Infinity : replicationFactor
    }

    /** Acknowledged writes of the session that are on too few disks now. */
    function harmed(machine: string, session: string): string[] {
      const most = orders.get(`${machine} ${session}`) ?? Infinity
      return history.entries.flatMap((entry) => {
        const { kind, tag } = entry.operation
        if (entry.outcome !== 'acked' || entry.operation.session !== session || kind === 'read') return []
        // What was on more disks than there are replicas need not stay so.
        const owed = Math.min(promised(entry), most)
        const holders = copies.holders(entry)
        if (holders.length + copies.harmed(entry) >= owed) return []
        return [`${machine} let go of ${session}; ${tag} is left on ${holders.join(', ')} of ${owed} disks`]
      })
    }

    function tell(): void {
      for (const { machine, messages } of early.values()) for (const message of messages) report(message, [machine])
      early.clear()
    }

    return {
      onRemoving: (machine, session) => void orders.set(`${machine} ${session}`, replicasNow(machine)),
      onRewritten(machine, session, cause, before) {
        if (cause !== 'removed') return
        // A deletion is forgotten in its time, by everyone; who comes back then sets aside what it has of it.
        if (history.forgotten.has(session)) return
        if (before !== undefined && forgetsDeletions(plan) && isTerminated(recovered(before))) return
        const messages = harmed(machine, session)
        if (messages.length > 0) early.set(`${machine} ${session}`, { machine, messages })
      },
      onEvent({ kind, machine, subject: session }) {
        // A peer that was away too long: what nobody knows any more is kept as a snapshot.
        if (kind === 'aside') early.delete(`${machine} ${session}`)
      },
      // Where peers set sessions aside, they say so once all are off the disk, which may be some ticks later.
      onTick() {
        if (!forgetsDeletions(plan)) tell()
      },
      atEnd: tell,
    }
  },
}
