// State vectors: how much of each client's writing a document holds, and their bytes as Yjs encodes them.
//
// Equal state vectors do not make equal documents: deletes leave them as they are (digest.ts covers both).
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import type * as Y from 'yjs'
import { SessionMeshError } from './errors.ts'
import { readCount } from './scan.ts'

/** Yjs client id to the next clock expected of it. A client that never wrote is absent. */
export type StateVector = ReadonlyMap<number, number>

/** The biggest clock taken in: no client writes four thousand million items, a bigger one is a lie or damage. */
export const CLOCK_MAX = 2 ** 32

/** What `doc` has integrated; what waits for a dependency does not count. */
export function stateVectorOf(doc: Y.Doc): Map<number, number> {
  const stateVector = new Map<number, number>()
  for (const [client, structs] of doc.store.clients) {
    const last = structs.at(-1)
    if (last !== undefined) stateVector.set(client, last.id.clock + last.length)
  }
  return stateVector
}

/** The encoding of `Y.encodeStateVector`, highest client first: equal vectors, equal bytes. */
export function encodeStateVector(stateVector: StateVector): Uint8Array {
  const encoder = encoding.createEncoder()
  encoding.writeVarUint(encoder, stateVector.size)
  for (const [client, clock] of [...stateVector].toSorted(([a], [b]) => b - a)) {
    encoding.writeVarUint(encoder, client)
    encoding.writeVarUint(encoder, clock)
  }
  return encoding.toUint8Array(encoder)
}

/** @throws INVALID_UPDATE if these are not the bytes of one state vector */
export function decodeStateVector(bytes: Uint8Array): Map<number, number> {
  const decoder = decoding.createDecoder(bytes)
  try {
    const stateVector = readStateVector(decoder)
    if (decoding.hasContent(decoder)) throw new Error('bytes follow its end')
    return stateVector
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new SessionMeshError('INVALID_UPDATE', `state vector at byte ${decoder.pos}: ${reason}`, { cause })
  }
}

/** Reads a state vector of which more may follow. @throws Error saying what is wrong */
export function readStateVector(decoder: decoding.Decoder): Map<number, number> {
  const stateVector = new Map<number, number>()
  const size = readCount(decoder)
  for (let i = 0; i < size; i++) {
    const client = readCount(decoder)
    const clock = readCount(decoder)
    if (clock > CLOCK_MAX) throw new Error(`clock ${clock} is absurd`)
    if (stateVector.has(client)) throw new Error(`client ${client} comes twice`)
    stateVector.set(client, clock)
  }
  return stateVector
}
