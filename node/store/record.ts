// What is on disk, format version 2. All keys of a session stand together and in order, so that reading, compacting
// and removing it is one range, and all sessions are one iteration:
//
//   f                             format      the format version, one byte
//   s <id> 00 b                   base        version, throughSequence, update, CRC-32
//   s <id> 00 l <sequence, 8 B>   log record  version, origin, boot, frame sequence, time, update, CRC-32
//   i <id>                        index       of a session: version, summary, CRC-32; or one byte 0: outdated
//   m <name>                      meta        version, bytes, CRC-32
//   g <number, 8 B>               batch       nothing: batch-chain.ts counts the keys
//
// Format 1 had neither index nor batches (format.ts).
//
// Ids are visible ASCII, so 00 ends them and no id's range holds another's. The sequence in a key is big-endian, so
// that keys sort as it does. In values: the version is one byte, numbers are lib0 variable-length integers, but the
// time is a big-endian float64 (clocks have fractions); texts and bytes are led by their length. The CRC-32 (big-endian,
// last 4 bytes) covers key and value, so a value under the wrong key is found too. LevelDB's own checksums are not
// looked at when it reads a table, hence ours.
import { crc32 } from 'node:zlib'
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import { assert, concatenate } from '../../crdt/index.ts'
import type { LogRecord, StoredBase } from '../ports/store.ts'

/** Of the database as a whole: which keys there are. */
export const DATABASE_VERSION = 2
/** Of the values. */
const FORMAT_VERSION = 1
const CRC_BYTES = 4
const SEQUENCE_BYTES = 8
const TIME_BYTES = 8

export interface KeyRange {
  readonly gte: Uint8Array
  readonly lt: Uint8Array
}

export const FORMAT_KEY: Uint8Array = ascii('f')
export const ALL_SESSIONS: KeyRange = { gte: ascii('s'), lt: ascii('t') }

export type DecodedKey =
  | { readonly kind: 'base'; readonly session: string }
  | { readonly kind: 'log'; readonly session: string; readonly sequence: number }

export function baseKey(session: string): Uint8Array {
  return concatenate([ascii(`s${session}\0b`)])
}

export function logKey(session: string, sequence: number): Uint8Array {
  const key = Buffer.allocUnsafe(logKeyBytes(session))
  writeLogKey(key, session, sequence)
  return key
}

/** `s`, the id, 00, `l`, the sequence. */
function logKeyBytes(session: string): number {
  return 3 + session.length + SEQUENCE_BYTES
}

function writeLogKey(bytes: Buffer, session: string, sequence: number): number {
  assert(Number.isSafeInteger(sequence) && sequence >= 0, `log sequence ${sequence} is no whole number`)
  bytes[0] = 0x73
  const at = 1 + bytes.write(session, 1, 'latin1')
  bytes[at] = 0
  bytes[at + 1] = 0x6c
  bytes.writeUInt32BE(Math.floor(sequence / 2 ** 32), at + 2)
  return bytes.writeUInt32BE(sequence % 2 ** 32, at + 6)
}

/** All keys of one session, and of no other, lie within. */
export function sessionRange(session: string): KeyRange {
  return { gte: ascii(`s${session}\0`), lt: ascii(`s${session}\u0001`) }
}

/** In order of id, as the sessions are. */
export const INDEX_RANGE: KeyRange = { gte: ascii('i'), lt: ascii('j') }

export function indexKey(session: string): Uint8Array {
  return ascii(`i${session}`)
}

export function decodeIndexKey(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset + 1, key.byteLength - 1).toString('latin1')
}

export function metaKey(name: string): Uint8Array {
  return new TextEncoder().encode(`m${name}`)
}

/** Undefined for what is no session's key of this format. */
export function decodeKey(key: Uint8Array): DecodedKey | undefined {
  const end = key.indexOf(0)
  if (key[0] !== 0x73 || end < 2) return undefined
  const session = String.fromCharCode(...key.subarray(1, end))
  const kind = key[end + 1]
  if (kind === 0x62 && key.length === end + 2) return { kind: 'base', session }
  if (kind !== 0x6c || key.length !== end + 2 + SEQUENCE_BYTES) return undefined
  const sequence = Number(new DataView(key.buffer, key.byteOffset + end + 2).getBigUint64(0))
  return { kind: 'log', session, sequence }
}

export function encodeBase(key: Uint8Array, base: StoredBase): Uint8Array {
  const encoder = encoding.createEncoder()
  encoding.writeUint8(encoder, FORMAT_VERSION)
  encoding.writeVarUint(encoder, base.throughSequence)
  encoding.writeVarUint8Array(encoder, base.update)
  return seal(key, encoding.toUint8Array(encoder))
}

function readBase(session: string, decoder: decoding.Decoder): StoredBase {
  return { session, throughSequence: decoding.readVarUint(decoder), update: decoding.readVarUint8Array(decoder) }
}

/** Written by hand: it is done for every update, and an encoder that grows and copies would take most of the time. */
export function encodeLogRecord(record: LogRecord): { key: Uint8Array; value: Uint8Array } {
  const { session, sequence, origin, boot, frameSequence, time, update } = record
  const keyBytes = logKeyBytes(session)
  const fixed = 1 + TIME_BYTES + CRC_BYTES
  const originBytes = Buffer.byteLength(origin)
  const bootBytes = Buffer.byteLength(boot)
  const counts = countBytes(originBytes) + countBytes(bootBytes) + countBytes(frameSequence) + countBytes(update.length)
  const valueBytes = fixed + counts + originBytes + bootBytes + update.length
  const bytes = Buffer.allocUnsafe(keyBytes + valueBytes)
  let at = writeLogKey(bytes, session, sequence)
  bytes[at++] = FORMAT_VERSION
  at = writeCount(bytes, at, originBytes)
  at += bytes.write(origin, at)
  at = writeCount(bytes, at, bootBytes)
  at += bytes.write(boot, at)
  at = writeCount(bytes, at, frameSequence)
  at = bytes.writeDoubleBE(time, at)
  at = writeCount(bytes, at, update.length)
  bytes.set(update, at)
  at += update.length
  bytes.writeUInt32BE(crc32(bytes.subarray(0, at)), at)
  return { key: bytes.subarray(0, keyBytes), value: bytes.subarray(keyBytes) }
}

/** As lib0 writes lengths and numbers: seven bits a byte, the lowest first. */
function writeCount(bytes: Uint8Array, at: number, count: number): number {
  let rest = count
  let next = at
  for (; rest > 0x7f; rest = Math.floor(rest / 0x80)) bytes[next++] = 0x80 | (rest & 0x7f)
  bytes[next++] = rest
  return next
}

function countBytes(count: number): number {
  let bytes = 1
  for (let rest = count; rest > 0x7f; rest = Math.floor(rest / 0x80)) bytes++
  return bytes
}

function readLogRecord(session: string, sequence: number, decoder: decoding.Decoder): LogRecord {
  return {
    session,
    sequence,
    origin: decoding.readVarString(decoder),
    boot: decoding.readVarString(decoder),
    frameSequence: decoding.readVarUint(decoder),
    time: decoding.readFloat64(decoder),
    update: decoding.readVarUint8Array(decoder),
  }
}

/** What stands under a decoded key; undefined if it is damaged. */
export function decodeRecord(
  key: Uint8Array,
  decoded: DecodedKey,
  value: Uint8Array,
): StoredBase | LogRecord | undefined {
  const { session } = decoded
  return unseal(key, value, (decoder) =>
    decoded.kind === 'base' ? readBase(session, decoder) : readLogRecord(session, decoded.sequence, decoder),
  )
}

export function encodeMeta(key: Uint8Array, value: Uint8Array): Uint8Array {
  const encoder = encoding.createEncoder()
  encoding.writeUint8(encoder, FORMAT_VERSION)
  encoding.writeVarUint8Array(encoder, value)
  return seal(key, encoding.toUint8Array(encoder))
}

/** Undefined if it is damaged. A copy: callers keep and print it. */
export function decodeMeta(key: Uint8Array, value: Uint8Array): Uint8Array | undefined {
  return unseal(key, value, (decoder) => new Uint8Array(decoding.readVarUint8Array(decoder)))
}

function seal(key: Uint8Array, body: Uint8Array): Uint8Array {
  const sum = new Uint8Array(CRC_BYTES)
  new DataView(sum.buffer).setUint32(0, crc32(body, crc32(key)))
  return concatenate([body, sum])
}

function unseal<T>(key: Uint8Array, value: Uint8Array, read: (decoder: decoding.Decoder) => T): T | undefined {
  if (value.length <= CRC_BYTES) return undefined
  const body = value.subarray(0, value.length - CRC_BYTES)
  const sum = new DataView(value.buffer, value.byteOffset + body.length).getUint32(0)
  if (crc32(body, crc32(key)) !== sum) return undefined
  try {
    const decoder = decoding.createDecoder(body)
    if (decoding.readUint8(decoder) !== FORMAT_VERSION) return undefined
    const record = read(decoder)
    return decoding.hasContent(decoder) ? undefined : record
  } catch {
    return undefined
  }
}

/** One byte a character; ids and names are ASCII. */
function ascii(text: string): Uint8Array {
  return Buffer.from(text, 'latin1')
}
