// What clients asked for and what they were told: all that checkers know of the outside of the mesh.
import type { Receipt } from '../../node/api.ts'
import type { Operation } from '../plan/plan.ts'
import type { Micros } from '../world/loop.ts'

/**
 * `acked`: the client was told that it is on `copies` disks. `unknown`: the peer died or hung meanwhile, it may have
 * happened. `refused`: the peer said no. `skipped`: no peer could be asked.
 */
export type Outcome = 'pending' | 'acked' | 'unknown' | 'refused' | 'skipped'

/** A disk that a receipt names. */
export interface Copy {
  readonly machine: string
  /** What the disk had of the session then (SimDisk.generationOf); undefined if it could promise nothing any more. */
  readonly generation: number | undefined
}

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
  /** For `read`: every tag that was seen. */
  seen: ReadonlySet<string> | undefined
  /** What the client has brought from other peers, if it roams. */
  token: string | undefined
  /** What the client was told; undefined unless acked. */
  receipt: Receipt | undefined
  copies: readonly Copy[]
  /** Code of the error, or its text; empty without one. */
  error: string
  /** For `call`: what the function returned, or threw. */
  returned: unknown
  thrown: unknown
}

/** Operations on a key of the map: of concurrent ones, one wins without having seen the others. */
const KEYED: ReadonlySet<Operation['kind']> = new Set(['create', 'set', 'unset'])

export class History {
  readonly entries: Entry[] = []
  /** Sessions that have ended by themselves. */
  readonly expired = new Set<string>()
  /** Sessions that some peer has forgotten, tombstone and all, and when it was first. */
  readonly forgotten = new Map<string, Micros>()
  /** Sessions that a peer has set aside when it came back after a long time. */
  readonly aside = new Set<string>()
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
      seen: undefined,
      token: undefined,
      receipt: undefined,
      copies: [],
      error: '',
      returned: undefined,
      thrown: undefined,
    }
    this.entries.push(entry)
    this.#byTag.set(operation.tag, entry)
    return entry
  }

  byTag(tag: string): Entry | undefined {
    return this.#byTag.get(tag)
  }

  /** Whether some applied operation took the value away or wrote over it, before or after the two met. */
  wasTaken(tag: string): boolean {
    const own = this.#byTag.get(tag)?.operation
    const isKeyed = own !== undefined && KEYED.has(own.kind)
    return this.entries.some(({ operation, isApplied, replaced }) => {
      if (!isApplied || operation.tag === tag) return false
      if (replaced === tag) return true
      return isKeyed && KEYED.has(operation.kind) && operation.session === own.session && operation.key === own.key
    })
  }

  /** Whether anybody may have terminated the session, or it has expired. */
  wasTerminated(session: string): boolean {
    return this.expired.has(session) || this.wasEndedByUser(session)
  }

  wasEndedByUser(session: string): boolean {
    return this.entries.some(
      ({ operation, isApplied }) => operation.kind === 'terminate' && operation.session === session && isApplied,
    )
  }

  /** Whether its deletion was forgotten somewhere, or a peer has set it aside: a peer may be without it then. */
  isGone(session: string): boolean {
    return this.forgotten.has(session) || this.aside.has(session)
  }

  count(outcome: Outcome): number {
    return this.entries.filter((entry) => entry.outcome === outcome).length
  }
}

/** Code of an error, or its text. */
export function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error)
}
