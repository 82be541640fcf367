// Whether a document that is not at hand could take in an update, and which of its clocks that would move.
//
// Mirrors `integrateStructs` and `readAndApplyDeleteSet` of Yjs 13.6, step by step, over the shape of an update; a
// property test holds the two against each other. A change of Yjs' version must look here.
import * as Y from 'yjs'
import { SessionMeshError } from './errors.ts'
import { stateVectorOf, type StateVector } from './state-vector.ts'
import { inspectUpdate, type ClientRuns, type Need, type Run, type UpdateShape } from './update.ts'

/**
 * Whether a document at `stateVector`, with nothing pending, would integrate the whole update now: every struct
 * follows on what is known of its client, everything it rests on and everything deleted is known or comes along.
 */
export function integrable(shape: UpdateShape, stateVector: StateVector): boolean {
  return movedBy(shape, stateVector) !== undefined
}

/** The clocks of the state vector that the update moves, and where to; undefined if it is not integrable. */
export function movedBy(shape: UpdateShape, stateVector: StateVector): Map<number, number> | undefined {
  const clocks = new Clocks(stateVector)
  // Few updates hold a struct that rests on a later one.
  if (!integrateInOrder(shape, clocks) && !integrateByNeed(shape, clocks)) return undefined
  for (const [client, end] of shape.deletes) if (end > clocks.of(client)) return undefined
  return clocks.moved
}

/** What applying updates did to a document. */
export interface Applied {
  /** Something was not there before. */
  readonly news: boolean
  /** The document now waits for a missing dependency, and did not before. */
  readonly pending: boolean
}

/**
 * Applies an update that came from elsewhere.
 * @throws INVALID_UPDATE before anything is touched if the bytes are unsound; if Yjs itself gives up half way, which
 *   no sound writer's update can cause, also INVALID_UPDATE, its message saying that the document must be dropped
 * @throws whatever an observer throws, once the update is wholly applied
 */
export function applyRemote(doc: Y.Doc, update: Uint8Array, origin: unknown): Applied {
  inspectUpdate(update)
  return applyInspected(doc, [update], origin)
}

/**
 * Applies updates that `inspectUpdate` has found sound, in one transaction: Yjs spends most of its time on what comes
 * with a transaction, whatever it holds. @throws as `applyRemote`, with part of them applied
 */
export function applyInspected(doc: Y.Doc, updates: readonly Uint8Array[], origin: unknown): Applied {
  let news: boolean | undefined
  const waited = waits(doc)
  try {
    // The outer transaction parts what Yjs throws while integrating from what observers throw afterwards.
    doc.transact((transaction) => {
      for (const update of updates) Y.applyUpdate(doc, update, origin)
      news = transaction.deleteSet.clients.size > 0 || !sameClocks(transaction.beforeState, stateVectorOf(doc))
    }, origin)
  } catch (cause) {
    if (news !== undefined) throw cause
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new SessionMeshError('INVALID_UPDATE', `update left document ${doc.guid} broken, drop it: ${reason}`, {
      cause,
    })
  }
  return { news: news === true, pending: !waited && waits(doc) }
}

/** Whether the document waits for something that it rests on. */
export function waits(doc: Y.Doc): boolean {
  return doc.store.pendingStructs !== null || doc.store.pendingDs !== null
}

/**
 * What the document holds and a holder of `stateVector` lacks, as an update that the other can integrate. Unlike Yjs' own
 * `encodeStateAsUpdate` it leaves out what waits for something missing: one struct that nobody can integrate would keep
 * all the rest of the update waiting, too.
 */
export function encodeIntegrated(doc: Y.Doc, stateVector?: Uint8Array): Uint8Array {
  const { store } = doc
  const { pendingStructs, pendingDs } = store
  store.pendingStructs = null
  store.pendingDs = null
  try {
    return Y.encodeStateAsUpdate(doc, stateVector)
  } finally {
    store.pendingStructs = pendingStructs
    store.pendingDs = pendingDs
  }
}

function sameClocks(one: StateVector, other: StateVector): boolean {
  if (one.size !== other.size) return false
  for (const [client, clock] of one) if (other.get(client) !== clock) return false
  return true
}

/** A state vector and what has been added to it. */
class Clocks {
  readonly moved = new Map<number, number>()
  readonly #known: StateVector

  constructor(known: StateVector) {
    this.#known = known
  }

  of(client: number): number {
    return this.moved.get(client) ?? this.#known.get(client) ?? 0
  }

  /** Whether the run's turn has come: its client's structs up to it, and all that it needs, are there. */
  has(client: number, run: Run): boolean {
    return this.of(client) >= run.clock && this.missing(run) === undefined
  }

  missing(run: Run): Need | undefined {
    return run.needs.find((need) => need.clock >= this.of(need.client))
  }

  add(client: number, run: Run): void {
    if (run.end > this.of(client)) this.moved.set(client, run.end)
  }
}

/** Integrates run by run until one is not ready. Returns whether none was left. */
function integrateInOrder(shape: UpdateShape, clocks: Clocks): boolean {
  for (const { client, runs } of shape.clients) {
    for (const run of runs) {
      if (run.skip) continue
      if (!clocks.has(client, run)) return false
      clocks.add(client, run)
    }
  }
  return true
}

/** Structs of a client that were not yet looked at. */
interface Reader {
  readonly client: number
  readonly runs: readonly Run[]
  next: number
  /** On the stack of readers that wait for the one above. */
  waiting: boolean
}

/** Integrates each run after what it needs. Returns whether none was left. */
function integrateByNeed(shape: UpdateShape, clocks: Clocks): boolean {
  const readers = new Map(shape.clients.map((client) => [client.client, readerOf(client)]))
  for (const reader of readers.values()) {
    while (reader.next < reader.runs.length) if (!step(reader, readers, clocks)) return false
  }
  return true
}

function readerOf({ client, runs }: ClientRuns): Reader {
  return { client, runs, next: 0, waiting: false }
}

/**
 * Integrates the next run of `bottom` and, before it, what it needs of others, one run at a time as Yjs does. Linear:
 * a need is followed only if it is missing, and one run of its client is used up each time. Returns false if something
 * is missing.
 */
function step(bottom: Reader, readers: ReadonlyMap<number, Reader>, clocks: Clocks): boolean {
  const stack = [bottom]
  for (let reader = stack.at(-1); reader !== undefined; reader = stack.at(-1)) {
    const run = reader.runs[reader.next]
    if (run === undefined || (!run.skip && clocks.of(reader.client) < run.clock)) return false
    const missing = run.skip ? undefined : clocks.missing(run)
    if (missing === undefined) {
      if (!run.skip) clocks.add(reader.client, run)
      reader.next++
      reader.waiting = false
      stack.pop()
      continue
    }
    const needed = readers.get(missing.client)
    reader.waiting = true
    if (needed === undefined || needed.waiting) return false
    stack.push(needed)
  }
  return true
}
