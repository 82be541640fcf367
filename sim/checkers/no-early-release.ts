// The one rule of docs/REPLICATION.md: nobody removes a copy that others may still count on.
import type { CheckerKind } from './checker.ts'
import { promised } from './copies.ts'

export const noEarlyRelease: CheckerKind = {
  name: 'no-early-release',
  promise: 'A peer lets go of a copy only when the replicas hold it, on as many disks as it was acknowledged for.',
  violatedWhen:
    'a peer removes a session and an acknowledged write is then on fewer disks than it was acknowledged for',
  make: ({ plan, history, copies }, report) => ({
    onRewritten(machine, session, cause) {
      // Where deletions are soon forgotten, tombstones go, and who was away for longer sets aside what it has.
      if (cause !== 'removed' || (plan.peer.life?.retentionMs ?? 0) > 0) return
      const { replicationFactor: factor } = plan.peer
      for (const entry of history.entries) {
        const { kind, tag } = entry.operation
        if (entry.outcome !== 'acked' || entry.operation.session !== session || kind === 'read') continue
        // What was on more disks than there are replicas need not stay so.
        const owed = factor === 'all' ? promised(entry) : Math.min(promised(entry), factor)
        const holders = copies.holders(entry)
        if (holders.length + copies.harmed(entry) >= owed) continue
        report(`${machine} let go of ${session}; ${tag} is left on ${holders.join(', ')} of ${owed} disks`, [machine])
      }
    },
  }),
}
