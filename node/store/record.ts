// What is on disk, format version 1. All keys of a session stand together and in order, so that reading, compacting
// and removing it is one range, and all sessions are one iteration:
//
//   s <id> 00 b                   base        version, throughSequence, update, CRC-32
//   s <id> 00 l <sequence, 8 B>   log record  version, origin, boot, frame sequence, time, update, CRC-32
//   m <name>                      meta        the value itself
//
// Ids are visible ASCII, so 00 ends them and no id's range holds another's. Numbers are lib0 variable-length integers;
// the CRC-32 (big-endian, last 4 bytes) covers key and value, so a value under the wrong key is found too.
import { crc32 } from 'node:zlib'
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import type { LogRecord, StoredBase } from '../ports/store.ts'

export const FORMAT_VERSION = 1
const CRC_BYTES = 4
const SEQUENCE_BYTES = 8

export type DecodedKey =
  | { readonly kind: 'base'; readonly session: string }
  | { readonly kind: 'log'; readonly session: string; readonly sequence: number }

export function baseKey(session: string): Uint8Array {
  return concat([ascii(`s${session}\0b`)])
}

export function logKey(session: string, sequence: number): Uint8Array {
  const number = new Uint8Array(SEQUENCE_BYTES)
  new DataView(number.buffer).setBigUint64(0, BigInt(sequence))
  return concat([ascii(`s${session}\0l`), number])
}

/** All keys of one session, and of no other, lie within. */
export function sessionRange(session: string): { gte: Uint8Array; lt: Uint8Array } {
  return { gte: ascii(`s${session}\0`), lt: ascii(`s${session}\u0001`) }
}

export const ALL_SESSIONS = { gte: ascii('s'), lt: ascii('t') }

export function metaKey(name: string): Uint8Array {
  return ascii(`m${name}`)
}

/** Undefined for what is no key of this format. */
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

/** Undefined if the value is damaged. */
export function decodeBase(key: Uint8Array, session: string, value: Uint8Array): StoredBase | undefined {
  return unseal(key, value, (decoder) => ({
    session,
    throughSequence: decoding.readVarUint(decoder),
    update: decoding.readVarUint8Array(decoder),
  }))
}

export function encodeLogRecord(key: Uint8Array, record: LogRecord): Uint8Array {
  const encoder = encoding.createEncoder()
  encoding.writeUint8(encoder, FORMAT_VERSION)
  encoding.writeVarString(encoder, record.origin)
  encoding.writeVarString(encoder, record.boot)
  encoding.writeVarUint(encoder, record.frameSequence)
  encoding.writeVarUint(encoder, Math.max(0, Math.floor(record.time)))
  encoding.writeVarUint8Array(encoder, record.update)
  return seal(key, encoding.toUint8Array(encoder))
}

/** Undefined if the value is damaged. */
export function decodeLogRecord(
  key: Uint8Array,
  session: string,
  sequence: number,
  value: Uint8Array,
): LogRecord | undefined {
  return unseal(key, value, (decoder) => ({
    session,
    sequence,
    origin: decoding.readVarString(decoder),
    boot: decoding.readVarString(decoder),
    frameSequence: decoding.readVarUint(decoder),
    time: decoding.readVarUint(decoder),
    update: decoding.readVarUint8Array(decoder),
  }))
}

function seal(key: Uint8Array, body: Uint8Array): Uint8Array {
  const sum = new Uint8Array(CRC_BYTES)
  new DataView(sum.buffer).setUint32(0, crc32(body, crc32(key)))
  return concat([body, sum])
}

function unseal<T>(key: Uint8Array, value: Uint8Array, read: (decoder: decoding.Decoder) => T): T | undefined {
  if (value.length <= CRC_BYTES) return undefined
  const body = value.subarray(0, value.length - CRC_BYTES)
  const sum = new DataView(value.buffer, value.byteOffset + body.length).getUint32(0)
  if (crc32(body, crc32(key)) !== sum) return undefined
  try {
    const decoder = decoding.createDecoder(body)
    return decoding.readUint8(decoder) === FORMAT_VERSION ? read(decoder) : undefined
  } catch {
    return undefined
  }
}

function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0))
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let offset = 0
  for (const part of parts) {
    bytes.set(part, offset)
    offset += part.length
  }
  return bytes
}
