// Guarantee 1, at the moment it is given: every disk that a receipt names holds the write and all it depends on.
import type { CheckerKind } from './checker.ts'
import { Holding } from './holding.ts'

export const durableAck: CheckerKind = {
  name: 'durable-ack',
  promise: 'A receipt names only disks that hold the write and everything it depends on.',
  violatedWhen: 'at the moment of the acknowledgement a disk that it names lacks the write, or what that depends on',
  make: ({ shadows }, report) => ({
    onAck(entry) {
      const { tag, session, kind } = entry.operation
      if (kind === 'read') return
      for (const { machine, generation } of entry.copies) {
        // What a wiped or rotten disk has lost, the peer may not know yet.
        if (generation === undefined) continue
        const doc = shadows.of(machine, session)
        const short = doc === undefined ? `does not hold ${session}` : new Holding(doc).lacks(entry)
        if (short !== '') report(`${tag} was acknowledged for ${machine}, whose disk ${short}`, [machine])
      }
    },
  }),
}
