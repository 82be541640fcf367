// What became of writes.
import * as Y from 'yjs'
import { isTerminated } from '../checkers/document.ts'
import type { LogRecord } from '../../node/ports/store.ts'
import type { Entry } from '../workload/history.ts'
import type { Micros } from '../world/loop.ts'
import { cutSince, isAlone } from './cuts.ts'
import type { FactKind } from './fact.ts'

const KEYED: ReadonlySet<string> = new Set(['create', 'set', 'unset'])

export const WRITE_FACTS: readonly FactKind[] = [
  acked('a write was acknowledged degraded', ({ receipt }) => receipt?.degraded === true),
  acked('a write waited longer than a second for its copies', ({ invokedAt, endedAt }) => {
    return endedAt - invokedAt > 1_000_000
  }),
  {
    name: 'a peer that was all alone acknowledged a write',
    watch: ({ world }, hit) => ({ onAck: ({ machine }) => void (isAlone(world, machine) && hit()) }),
  },
  {
    name: 'a copy counted that had come by exchange, not by frame',
    watch: (_scene, hit) => {
      const byFrame = new Reach()
      const byExchange = new Reach()
      return {
        onSynced: (machine, session, record) => {
          ;(record.frameSequence > 0 ? byFrame : byExchange).add(`${machine} ${session}`, record)
        },
        onAck({ copies, operation, wrote, machine: own }) {
          if (wrote === undefined) return
          for (const { machine } of copies) {
            const key = `${machine} ${operation.session}`
            if (machine !== own && !byFrame.holds(key, wrote) && byExchange.holds(key, wrote)) hit()
          }
        },
      }
    },
  },
  {
    name: 'both sides of a partition wrote the same key',
    watch: ({ world }, hit) => {
      const writes = new Map<string, { readonly machine: string; readonly at: Micros }[]>()
      return {
        onApplied({ operation, machine }) {
          if (!KEYED.has(operation.kind)) return
          const key = `${operation.session} ${operation.key}`
          const others = writes.get(key) ?? []
          writes.set(key, others)
          if (others.some((other) => other.at >= (cutSince(world, machine, other.machine) ?? Infinity))) hit()
          others.push({ machine, at: world.now })
        },
      }
    },
  },
  {
    name: 'a session was written to that was terminated elsewhere',
    watch: ({ plan, shadows }, hit) => ({
      onApplied({ operation, machine }) {
        const isOver = plan.machines.some(({ name }) => {
          const doc = name === machine ? undefined : shadows.of(name, operation.session)
          return doc !== undefined && isTerminated(doc)
        })
        if (isOver && operation.kind !== 'read' && operation.kind !== 'terminate') hit()
      },
    }),
  },
  {
    name: 'a log was compacted',
    watch: (_scene, hit) => ({ onRewritten: (_machine, _session, cause) => void (cause === 'compacted' && hit()) }),
  },
  {
    name: 'a write whose answer was lost had happened all the same',
    watch: ({ history, shadows, plan }, hit) => ({
      atEnd() {
        for (const { outcome, wrote, operation } of history.entries) {
          const doc = plan.core[0] === undefined ? undefined : shadows.of(plan.core[0], operation.session)
          if (outcome !== 'unknown' || wrote === undefined || doc === undefined) continue
          if (Y.getState(doc.store, wrote.client) >= wrote.clock) hit()
        }
      },
    }),
  },
]

function acked(name: string, fits: (entry: Entry) => boolean): FactKind {
  return { name, watch: (_scene, hit) => ({ onAck: (entry) => void (fits(entry) && hit()) }) }
}

/** How far records of a session reach, by writer. */
class Reach {
  readonly #clocks = new Map<string, Map<number, number>>()

  add(key: string, { update }: LogRecord): void {
    const clocks = this.#clocks.get(key) ?? new Map<number, number>()
    this.#clocks.set(key, clocks)
    for (const [client, clock] of Y.parseUpdateMeta(update).to) {
      clocks.set(client, Math.max(clock, clocks.get(client) ?? 0))
    }
  }

  holds(key: string, { client, clock }: { readonly client: number; readonly clock: number }): boolean {
    return (this.#clocks.get(key)?.get(client) ?? 0) >= clock
  }
}
