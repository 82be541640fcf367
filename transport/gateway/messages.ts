// The messages of y-websocket 3, read from untrusted bytes before anything is done, and written.
//
//   sync (0): step 1 (0) a state vector, step 2 (1) the answer, update (2)
//   awareness (1): states by Yjs client id;  query awareness (3): asks for them
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import { decodeStateVector, SessionMeshError } from '../../crdt/index.ts'

const SYNC = 0
const AWARENESS = 1
const QUERY_AWARENESS = 3
const STEP_1 = 0
const STEP_2 = 1
const UPDATE = 2

export type Message =
  | { readonly kind: 'ask'; readonly stateVector: Uint8Array }
  | { readonly kind: 'answer' | 'update'; readonly update: Uint8Array }
  | { readonly kind: 'awareness'; readonly update: Uint8Array; readonly ids: readonly number[] }
  | { readonly kind: 'query awareness' }

/** @throws SessionMeshError INVALID_MESSAGE, whatever the bytes; the update within is not looked at */
export function readMessage(bytes: Uint8Array): Message {
  try {
    return read(decoding.createDecoder(bytes))
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new SessionMeshError('INVALID_MESSAGE', `message of ${bytes.length} bytes: ${reason}`, { cause })
  }
}

function read(decoder: decoding.Decoder): Message {
  const type = decoding.readVarUint(decoder)
  if (type === QUERY_AWARENESS) return { kind: 'query awareness' }
  if (type === AWARENESS) {
    const update = decoding.readVarUint8Array(decoder)
    return { kind: 'awareness', update, ids: readAwarenessIds(update) }
  }
  if (type !== SYNC) throw new Error(`unknown type ${type}`)
  const step = decoding.readVarUint(decoder)
  const payload = decoding.readVarUint8Array(decoder)
  if (step === STEP_1) {
    decodeStateVector(payload)
    return { kind: 'ask', stateVector: payload }
  }
  if (step === STEP_2) return { kind: 'answer', update: payload }
  if (step === UPDATE) return { kind: 'update', update: payload }
  throw new Error(`unknown sync step ${step}`)
}

/** Reads all of it, since y-protocols would stop half way at the first fault and keep the first half. */
function readAwarenessIds(update: Uint8Array): number[] {
  const decoder = decoding.createDecoder(update)
  const ids: number[] = []
  for (let left = decoding.readVarUint(decoder); left > 0; left--) {
    ids.push(decoding.readVarUint(decoder))
    decoding.readVarUint(decoder)
    const state: unknown = JSON.parse(decoding.readVarString(decoder))
    if (typeof state !== 'object') throw new Error('an awareness state is an object or null')
  }
  return ids
}

export function writeAsk(stateVector: Uint8Array): Uint8Array {
  return write(SYNC, STEP_1, stateVector)
}

export function writeAnswer(update: Uint8Array): Uint8Array {
  return write(SYNC, STEP_2, update)
}

export function writeUpdate(update: Uint8Array): Uint8Array {
  return write(SYNC, UPDATE, update)
}

/** @param update as `encodeAwarenessUpdate` makes it */
export function writeAwareness(update: Uint8Array): Uint8Array {
  const encoder = encoding.createEncoder()
  encoding.writeVarUint(encoder, AWARENESS)
  encoding.writeVarUint8Array(encoder, update)
  return encoding.toUint8Array(encoder)
}

/** Awareness of nobody: the stock client leaves when it hears nothing for 30 s, and pings don't count. */
export const KEEP_ALIVE = writeAwareness(Uint8Array.of(0))

function write(type: number, step: number, payload: Uint8Array): Uint8Array {
  const encoder = encoding.createEncoder()
  encoding.writeVarUint(encoder, type)
  encoding.writeVarUint(encoder, step)
  encoding.writeVarUint8Array(encoder, payload)
  return encoding.toUint8Array(encoder)
}
