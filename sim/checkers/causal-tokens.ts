// Read-your-writes and monotonic reads across peers: a client that brings the token of its last answer meets all that it
// saw or wrote then, deletions included, at whatever peer, whatever became of the one before. No fault excuses less: a
// peer that has not got it must say so.
import type { Entry } from '../workload/history.ts'
import type { CheckerKind } from './checker.ts'
import { behindOf, learn, type Known } from './session-guarantees.ts'

export const causalTokens: CheckerKind = {
  name: 'causal-tokens',
  promise: 'Who brings the token of its last answer is shown no less than that, by any peer.',
  violatedWhen: 'a document lacks what its client saw or wrote before, or shows what it took away',
  make: ({ history }, report) => {
    const known = new Map<string, Known>()
    return {
      onApplied(entry) {
        const { session, tag } = entry.operation
        // What is terminated while it is read is read without its content; and who gave up has gone on.
        if (entry.token === undefined || entry.outcome !== 'pending' || history.wasTerminated(session)) return
        const before = known.get(keyOf(entry))
        const behind = before === undefined ? '' : behindOf(before, entry, (lost) => history.wasTaken(lost))
        if (behind !== '') report(`${entry.operation.client} finds ${session} ${behind} at ${tag}`, [entry.machine])
      },
      // What it was not told, its token does not stand for.
      onAck(entry) {
        const all = known.get(keyOf(entry)) ?? { after: new Map(), shown: new Set(), taken: new Set() }
        known.set(keyOf(entry), all)
        learn(all, entry)
      },
      onEnded({ error, operation, machine }) {
        if (error === 'INVALID_TOKEN') report(`${operation.tag} at ${machine}: its own token is refused`, [machine])
      },
    }
  },
}

function keyOf({ operation }: Entry): string {
  return `${operation.client} ${operation.session}`
}
