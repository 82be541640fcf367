// The log and the live document are two ways to the same: what a peer rebuilds from its log is what it serves.
import type { CheckerKind } from './checker.ts'
import { hasPending } from './shadows.ts'

export const rebuilt: CheckerKind = {
  name: 'rebuilt-is-live',
  promise: "A session rebuilt from a peer's log is the one that the peer serves.",
  violatedWhen: 'rebuilding a session from the log gives another digest than the live document has, or fails',
  make: ({ world, shadows }, report) => ({
    atEnd({ isConverged, reads }) {
      if (!isConverged) return
      for (const { machine, session, live, fromLog, error } of reads.rebuilt) {
        const { disk } = world.machine(machine)
        const doc = shadows.of(machine, session)
        // What has rotted, or a full disk did not take, the live document may still have.
        if (disk.isDamaged(session) || disk.hasRefused || doc === undefined || hasPending(doc)) continue
        if (error !== '') report(`${machine} can't rebuild ${session}: ${error}`, [machine])
        else if (live !== fromLog) {
          report(`${machine} serves ${session} with digest ${live}; rebuilt from its log it has ${fromLog}`, [machine])
        }
      }
    },
  }),
}
