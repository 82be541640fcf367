// Whether a document that is not at hand could take in an update, and where its state vector would then stand.
//
// Mirrors `integrateStructs` and `readAndApplyDeleteSet` of Yjs 13.6, step by step, over the shape of an update; a
// property test holds the two against each other. A change of Yjs' version must look here.
import * as Y from 'yjs'
import { SessionMeshError } from './errors.ts'
import type { StateVector } from './state-vector.ts'
import { inspectUpdate, type ClientRuns, type Run, type UpdateShape } from './update.ts'

/**
 * Whether a document at `stateVector`, with nothing pending, would integrate the whole update now: every struct
 * follows on what is known of its client, everything it rests on and everything deleted is known or comes along.
 */
export function integrable(shape: UpdateShape, stateVector: StateVector): boolean {
  const { state, complete } = settle(shape, stateVector)
  if (!complete) return false
  for (const [client, end] of shape.deletes) if (end > (state.get(client) ?? 0)) return false
  return true
}

/** The state vector after the update, as far as it can be integrated. */
export function advance(stateVector: StateVector, shape: UpdateShape): Map<number, number> {
  return settle(shape, stateVector).state
}

/** Whether the update surely brings nothing. False for one that deletes: a state vector does not show deletes. */
export function isNoop(shape: UpdateShape, stateVector: StateVector): boolean {
  if (shape.deletes.size > 0) return false
  return shape.clients.every(({ client, runs }) =>
    runs.every((run) => run.skip || run.end <= (stateVector.get(client) ?? 0)),
  )
}

/**
 * Applies an update that came from elsewhere. Returns whether the document now waits for a missing dependency.
 * @throws INVALID_UPDATE before anything is touched if the bytes are unsound; if Yjs itself gives up half way, which
 *   no sound writer's update can cause, also INVALID_UPDATE, its message saying that the document must be dropped
 * @throws whatever an observer throws, once the update is wholly applied
 */
export function applyRemote(doc: Y.Doc, update: Uint8Array, origin: unknown): boolean {
  inspectUpdate(update)
  let applied = false
  try {
    // The outer transaction parts what Yjs throws while integrating from what observers throw afterwards.
    doc.transact(() => {
      Y.applyUpdate(doc, update, origin)
      applied = true
    }, origin)
  } catch (cause) {
    if (applied) throw cause
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new SessionMeshError('INVALID_UPDATE', `update left document ${doc.guid} broken, drop it: ${reason}`, {
      cause,
    })
  }
  return doc.store.pendingStructs !== null || doc.store.pendingDs !== null
}

/** Structs of a client that were not yet looked at. */
interface Reader {
  readonly client: number
  readonly runs: readonly Run[]
  next: number
  /** On the stack of readers that wait for the one above. */
  waiting: boolean
}

function settle(shape: UpdateShape, stateVector: StateVector): { state: Map<number, number>; complete: boolean } {
  const state = new Map(stateVector)
  const readers = new Map(shape.clients.map((client) => [client.client, readerOf(client)]))
  let complete = true
  for (const reader of readers.values()) {
    while (reader.next < reader.runs.length) if (!step(reader, readers, state)) complete = false
  }
  return { state, complete }
}

function readerOf({ client, runs }: ClientRuns): Reader {
  return { client, runs, next: 0, waiting: false }
}

/**
 * Integrates the next run of `bottom` and, before it, what it needs of others, one run at a time as Yjs does. Linear:
 * a need is followed only if it is missing, and one run of its client is used up each time. Returns false, with the
 * rest of every waiting client dropped, if something is missing.
 */
function step(bottom: Reader, readers: ReadonlyMap<number, Reader>, state: Map<number, number>): boolean {
  const stack = [bottom]
  for (let reader = stack.at(-1); reader !== undefined; reader = stack.at(-1)) {
    const run = reader.runs[reader.next]
    const known = state.get(reader.client) ?? 0
    const missing = run?.needs.find((need) => need.clock >= (state.get(need.client) ?? 0))
    if (run === undefined || (!run.skip && known < run.clock)) return drop(stack)
    if (missing === undefined || run.skip) {
      if (!run.skip && run.end > known) state.set(reader.client, run.end)
      reader.next++
      reader.waiting = false
      stack.pop()
      continue
    }
    const needed = readers.get(missing.client)
    reader.waiting = true
    if (needed === undefined || needed.waiting) return drop(stack)
    stack.push(needed)
  }
  return true
}

function drop(stack: readonly Reader[]): false {
  for (const reader of stack) {
    reader.next = reader.runs.length
    reader.waiting = false
  }
  return false
}
