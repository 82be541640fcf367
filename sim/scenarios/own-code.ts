// Code that a scenario in TypeScript brings along: operations on the document, and an invariant of its own.
import type * as Y from 'yjs'
import type { ReadScenario } from './schema.ts'

/** One call of one of your operations. */
export interface Call {
  /** Unique, for ever: values that carry it can be found again. */
  readonly tag: string
  readonly client: string
  readonly session: string
  /** Seeded chance of this call alone. `Math.random` and clocks throw inside a run. */
  readonly dice: {
    below(count: number): number
    pick<T>(values: readonly T[]): T
    chance(partsPerMillion: number): boolean
  }
}

/**
 * Changes (or only reads) a session's document, in one transaction. What it returns is kept for the check. What it
 * throws is a violation.
 */
export type OwnOperation = (doc: Y.Doc, call: Call) => unknown

/** What became of a call. */
export interface Called {
  readonly name: string
  readonly tag: string
  readonly client: string
  readonly session: string
  /** `acked`: the client was told that it is on disk. `unknown`: the peer died meanwhile, it may be there or not. */
  readonly outcome: 'acked' | 'unknown'
  readonly returned: unknown
}

/** @param docs the documents of all sessions when all replicas have become equal; @throws if they are not as they must be */
export type Check = (docs: ReadonlyMap<string, Y.Doc>, calls: readonly Called[]) => void

export interface OwnCode {
  readonly operations: Readonly<Record<string, OwnOperation>>
  readonly check: Check | undefined
}

/** Whether operations are functions of the scenario's author, not words for what clients can do by themselves. */
export function isOwn(
  operations: ReadScenario['workload']['operations'],
): operations is Readonly<Record<string, OwnOperation>> {
  return !Array.isArray(operations) && Object.values(operations).every((value) => typeof value === 'function')
}
