// What a peer keeps in memory of every session it holds: little, because there may be very many (FIELD.md: a hydrated
// document costs some 5 kB, a cold entry a few hundred bytes).
import type * as Y from 'yjs'
import type { Priority } from '../../crdt/index.ts'

/** When a session is to end, as its record says. */
export interface Expiry {
  /** ms since the epoch. */
  readonly deadline: number
  /** If a touch would put it off. */
  readonly ttlMs: number | undefined
}

export interface Entry {
  readonly id: string
  readonly shard: number
  /** Last sequence given to a log record of this session. */
  sequence: number
  /** Log records since the base, and their bytes. */
  tailRecords: number
  tailBytes: number
  baseBytes: number
  /** Batch of the journal that holds the last of them. */
  batch: number
  /** State vector of all that is logged, encoded; stale while there are `clocks` or a document. */
  stateVector: Uint8Array
  /** The same decoded, while updates come in that no document has taken up. */
  clocks: Map<number, number> | undefined
  /** The document while hydrated. It lacks what is `waiting`. */
  doc: Y.Doc | undefined
  hydrating: Promise<Y.Doc> | undefined
  /** Yjs client id of its documents here, once one was needed. */
  clientId: number | undefined
  /** This boot has written to it. */
  wrote: boolean
  /** Updates that are logged, and wait to be applied to the document until somebody wants to see it. */
  waiting: Uint8Array[] | undefined
  waitingBytes: number
  /** Takes up what a user of the document changes, while there is one. */
  observer: ((update: Uint8Array, origin: unknown, doc: Y.Doc, transaction: Y.Transaction) => void) | undefined
  /** Handles that need the document to stay hydrated. */
  handles: number
  /** On disk when the peer started, and not looked at since. */
  recovering: boolean
  /** Updates that wait for a dependency. */
  parked: readonly Uint8Array[]
  priority: Priority
  pin: string | undefined
  createdAt: number | undefined
  terminatedAt: number | undefined
  /** When its tombstone may be forgotten, if it says so; ms since the epoch. */
  purgeAt: number | undefined
  /** A tombstone that is no longer in the hash tree, and will soon be forgotten. */
  isFaded: boolean
  /** Of a session that is to end by itself. */
  expiry: Expiry | undefined
  /** Monotonic ms of the first and last change since the digest was computed; undefined: the digest is current. */
  dirtySince: number | undefined
  dirtyLast: number
}

/** One for all entries: a list each would be tens of megabytes in a million. */
const NONE: readonly Uint8Array[] = []

export function newEntry(id: string, shard: number): Entry {
  return {
    id,
    shard,
    sequence: 0,
    tailRecords: 0,
    tailBytes: 0,
    baseBytes: 0,
    batch: 0,
    stateVector: EMPTY_STATE_VECTOR,
    clocks: undefined,
    doc: undefined,
    hydrating: undefined,
    clientId: undefined,
    wrote: false,
    waiting: undefined,
    waitingBytes: 0,
    observer: undefined,
    handles: 0,
    recovering: false,
    parked: NONE,
    priority: 'normal',
    pin: undefined,
    createdAt: undefined,
    terminatedAt: undefined,
    purgeAt: undefined,
    isFaded: false,
    expiry: undefined,
    dirtySince: undefined,
    dirtyLast: 0,
  }
}

/**
 * Whether anything of the session is here, or is being made. Not so if only updates have come that wait for what they
 * rest on: the session would be served as empty.
 */
export function isHeld(entry: Entry): boolean {
  return entry.sequence > 0 || entry.handles > 0
}

/** The state vector of an empty document, encoded: no clients. */
const EMPTY_STATE_VECTOR = new Uint8Array([0])
