// What a start needs to know of a session, as bytes in the store's index: all that the catalog keeps of a session at
// rest. Version 2; version 1 knew nothing of sessions that end by themselves. One that this version can't read counts as
// none, and the session is read as a whole.
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import type { HashTree, Priority } from '../../crdt/index.ts'
import type { Entry } from './entry.ts'

const VERSION = 2
const WITHOUT_EXPIRY = 1
const PRIORITIES: readonly Priority[] = ['critical', 'high', 'normal', 'low']

/** Of an entry whose digest is current; undefined if it has none. `stateVector` is that of all that is logged. */
export function encodeSummary(entry: Entry, stateVector: Uint8Array, tree: HashTree): Uint8Array | undefined {
  const packed = tree.pack(entry.id)
  if (packed === undefined) return undefined
  const encoder = encoding.createEncoder()
  encoding.writeUint8(encoder, VERSION)
  encoding.writeVarUint8Array(encoder, packed)
  encoding.writeVarUint8Array(encoder, stateVector)
  for (const count of [entry.sequence, entry.tailRecords, entry.tailBytes, entry.baseBytes]) {
    encoding.writeVarUint(encoder, count)
  }
  encoding.writeUint8(encoder, PRIORITIES.indexOf(entry.priority))
  encoding.writeVarString(encoder, entry.pin ?? '')
  const { createdAt, terminatedAt, purgeAt, expiry } = entry
  for (const time of [createdAt, terminatedAt, purgeAt, expiry?.deadline, expiry?.ttlMs]) {
    encoding.writeFloat64(encoder, time ?? -1)
  }
  return encoding.toUint8Array(encoder)
}

/** State vectors remembered, so that entries with equal ones share theirs. */
const SHARED_MAX = 10_000

/** Reads summaries. Sessions that one boot made alike have one state vector between them: a million cost little more. */
export class SummaryReader {
  readonly #shared = new Map<string, Uint8Array>()

  /** Fills a new entry and the tree; false, with neither changed, if these bytes are of another version. */
  restore(entry: Entry, tree: HashTree, summary: Uint8Array): boolean {
    const decoder = decoding.createDecoder(summary)
    const version = decoding.readUint8(decoder)
    if (version !== VERSION && version !== WITHOUT_EXPIRY) return false
    tree.restore(entry.id, decoding.readVarUint8Array(decoder))
    entry.stateVector = this.#share(decoding.readVarUint8Array(decoder))
    entry.sequence = decoding.readVarUint(decoder)
    entry.tailRecords = decoding.readVarUint(decoder)
    entry.tailBytes = decoding.readVarUint(decoder)
    entry.baseBytes = decoding.readVarUint(decoder)
    entry.priority = PRIORITIES[decoding.readUint8(decoder)] ?? 'normal'
    const pin = decoding.readVarString(decoder)
    entry.pin = pin === '' ? undefined : pin
    entry.createdAt = timeOf(decoding.readFloat64(decoder))
    entry.terminatedAt = timeOf(decoding.readFloat64(decoder))
    if (version === WITHOUT_EXPIRY) return true
    entry.purgeAt = timeOf(decoding.readFloat64(decoder))
    const deadline = timeOf(decoding.readFloat64(decoder))
    const ttlMs = timeOf(decoding.readFloat64(decoder))
    if (deadline !== undefined) entry.expiry = { deadline, ttlMs }
    return true
  }

  #share(bytes: Uint8Array): Uint8Array {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
    const known = this.#shared.get(text)
    if (known !== undefined) return known
    if (this.#shared.size === SHARED_MAX) this.#shared.clear()
    // A copy: the bytes stand in a block of the database's answer, which would live as long.
    const copy = bytes.slice()
    this.#shared.set(text, copy)
    return copy
  }
}

function timeOf(time: number): number | undefined {
  return time < 0 ? undefined : time
}
