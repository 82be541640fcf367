// Read-your-writes and monotonic reads (Terry et al., "Session guarantees for weakly consistent replicated data", PDIS
// 1994), for each client while it stays with one process.
import type { Entry } from '../workload/history.ts'
import type { CheckerKind } from './checker.ts'

/** What a client knows of a session. */
export interface Known {
  readonly after: Map<number, number>
  /** Tags that it put there, or saw. */
  readonly shown: Set<string>
  /** Tags that it took away. */
  readonly taken: Set<string>
}

export const sessionGuarantees: CheckerKind = {
  name: 'session-guarantees',
  promise:
    'A client that stays with a process sees its own writes, and never less than before, while that keeps the session.',
  violatedWhen: 'a document is behind what the client saw or wrote earlier at the same process',
  make: ({ history, world }, report) => {
    const known = new Map<string, Known>()
    return {
      onRewritten(machine, session, cause) {
        // A copy that it has let go of comes back from whoever can be reached: less, perhaps, in a partition.
        if (cause !== 'removed') return
        for (const key of known.keys()) {
          if (key.endsWith(` ${session}`) && key.includes(` ${machine}/`)) known.delete(key)
        }
      },
      onApplied(entry) {
        const { client, session, tag } = entry.operation
        // What has rotted, or found no room, is missing when the document is next read from disk, until the others have
        // mended it.
        const { disk } = world.machine(entry.machine)
        if (disk.isDamaged(session) || disk.hasRefused) return
        // What is terminated while it is read is read without its content.
        if (history.wasTerminated(session)) return
        const key = `${client} ${entry.machine}/${entry.incarnation} ${session}`
        const before = known.get(key) ?? { after: new Map(), shown: new Set(), taken: new Set() }
        known.set(key, before)
        const behind = behindOf(before, entry, (lost) => history.wasTaken(lost))
        if (behind !== '') report(`${client} finds ${session} ${behind} at ${tag}`, [entry.machine])
        learn(before, entry)
      },
    }
  },
}

export function behindOf(before: Known, { after, seen }: Entry, wasTaken: (tag: string) => boolean): string {
  for (const [client, clock] of before.after) {
    const now = after.get(client) ?? 0
    if (now < clock) return `at ${now} of ${clock} of writer ${client}`
  }
  if (seen === undefined) return ''
  for (const tag of before.taken) if (seen.has(tag)) return `with ${tag}, which it took away,`
  for (const tag of before.shown) if (!seen.has(tag) && !wasTaken(tag)) return `without ${tag}`
  return ''
}

export function learn(before: Known, { operation, after, seen, replaced }: Entry): void {
  for (const [client, clock] of after) before.after.set(client, Math.max(clock, before.after.get(client) ?? 0))
  for (const tag of seen ?? []) before.shown.add(tag)
  if (operation.kind === 'push' || operation.kind === 'type') before.shown.add(operation.tag)
  if (replaced !== undefined) before.taken.add(replaced)
}
