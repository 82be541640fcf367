// What clients asked for and what they were told: all that checkers know of the outside of the mesh.
import type { Operation } from '../plan/plan.ts'
import type { Micros } from '../world/loop.ts'

/**
 * `acked`: the client was told that it is on `copies` disks. `unknown`: the peer died or hung meanwhile, it may have
 * happened. `refused`: the peer said no. `skipped`: no peer could be asked.
 */
export type Outcome = 'pending' | 'acked' | 'unknown' | 'refused' | 'skipped'

export interface Entry {
  readonly operation: Operation
  outcome: Outcome
  invokedAt: Micros
  endedAt: Micros
  /** Machine and its process by whose peer it was done. */
  machine: string
  incarnation: number
  /** Whether the change was made to the peer's document: only then may it be seen anywhere. */
  isApplied: boolean
  /** For `set` and `unset`: tag of the value that it replaced. For `pull` and `erase`: tag of what it took away. */
  replaced: string | undefined
  /** What it inserted, as a document's state vector shows it; undefined if it only deleted. */
  wrote: { readonly client: number; readonly clock: number } | undefined
  /** State vector of the peer's document right after the change, client id to clock. */
  after: ReadonlyMap<number, number>
  /** Machines named by the receipt, with the generation that their disks had. */
  copies: readonly { readonly machine: string; readonly generation: number }[]
  isDegraded: boolean
  error: string
}

export class History {
  readonly entries: Entry[] = []
  readonly #byTag = new Map<string, Entry>()

  begin(operation: Operation, now: Micros): Entry {
    const entry: Entry = {
      operation,
      outcome: 'pending',
      invokedAt: now,
      endedAt: now,
      machine: '',
      incarnation: 0,
      isApplied: false,
      replaced: undefined,
      wrote: undefined,
      after: new Map(),
      copies: [],
      isDegraded: false,
      error: '',
    }
    this.entries.push(entry)
    this.#byTag.set(operation.tag, entry)
    return entry
  }

  byTag(tag: string): Entry | undefined {
    return this.#byTag.get(tag)
  }

  count(outcome: Outcome): number {
    return this.entries.filter((entry) => entry.outcome === outcome).length
  }
}
