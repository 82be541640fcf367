// Reads over the content of an update without building any of it: strict where the decoders of Yjs and lib0 are lax.
//
// Hostile bytes must not make us build documents, run past the end or recurse without bound before they are known to
// be sound. Every loop below eats at least one byte a turn, so the length of the input bounds it. Throws plain
// errors; inspectUpdate gives them their code.
import * as decoding from 'lib0/decoding'

/** How deep a value may nest. Encoding one recurses: a few thousand levels would overflow the stack later on. */
export const NESTING_MAX = 1000

/** Type references of Yjs: array, map, text, XML element, fragment, hook, text. The marked ones carry a name. */
const TYPE_REFERENCE_MAX = 6
const NAMED_TYPES: ReadonlySet<number> = new Set([3, 5])

/** The tag of an object in lib0's `any` encoding. */
const OBJECT_TAG = 118

/** A non-negative integer that a number holds exactly. lib0 lets overlong and huge ones through. */
export function readCount(decoder: decoding.Decoder): number {
  const value = decoding.readVarUint(decoder)
  if (!Number.isSafeInteger(value)) throw new Error('number out of range')
  return value
}

export function readByte(decoder: decoding.Decoder): number {
  const byte = decoder.arr[decoder.pos]
  if (byte === undefined) throw new Error('ends too early')
  decoder.pos++
  return byte
}

/** Reads over the content of an item and returns how many clocks it takes. `kind` is Yjs' content reference. */
export function scanContent(decoder: decoding.Decoder, kind: number): number {
  switch (kind) {
    case 1: // deleted
      return readCount(decoder)
    case 2: // JSON texts, or the word undefined
      return repeat(decoder, scanJsonOrUndefined)
    case 3: // binary
      skip(decoder, readCount(decoder))
      return 1
    case 4: // string
      return decoding.readVarString(decoder).length
    case 5: // embed
      scanJson(decoder)
      return 1
    case 6: // format
      decoding.readVarString(decoder)
      scanJson(decoder)
      return 1
    case 7: // shared type
      scanType(decoder)
      return 1
    case 8: // any
      return repeat(decoder, scanAny)
    case 9: // subdocument: its id, then its options, which Yjs takes for an object unchecked
      decoding.readVarString(decoder)
      if (decoder.arr[decoder.pos] !== OBJECT_TAG) throw new Error('subdocument without options')
      scanAny(decoder)
      return 1
    default:
      throw new Error(`unknown content ${kind}`)
  }
}

function repeat(decoder: decoding.Decoder, scan: (decoder: decoding.Decoder) => void): number {
  const count = readCount(decoder)
  for (let i = 0; i < count; i++) scan(decoder)
  return count
}

function skip(decoder: decoding.Decoder, bytes: number): void {
  if (bytes > decoder.arr.length - decoder.pos) throw new Error('ends too early')
  decoder.pos += bytes
}

function scanType(decoder: decoding.Decoder): void {
  const reference = readCount(decoder)
  if (reference > TYPE_REFERENCE_MAX) throw new Error(`unknown type ${reference}`)
  if (NAMED_TYPES.has(reference)) decoding.readVarString(decoder)
}

function scanJson(decoder: decoding.Decoder): void {
  checkNesting(JSON.parse(decoding.readVarString(decoder)), 0)
}

function scanJsonOrUndefined(decoder: decoding.Decoder): void {
  const text = decoding.readVarString(decoder)
  if (text !== 'undefined') checkNesting(JSON.parse(text), 0)
}

function checkNesting(value: unknown, depth: number): void {
  if (typeof value !== 'object' || value === null) return
  if (depth > NESTING_MAX) throw new Error(`nested deeper than ${NESTING_MAX}`)
  for (const member of Object.values(value)) checkNesting(member, depth + 1)
}

/** One value of lib0's `any` encoding. */
function scanAny(decoder: decoding.Decoder, depth = 0): void {
  if (depth > NESTING_MAX) throw new Error(`nested deeper than ${NESTING_MAX}`)
  const tag = readByte(decoder)
  switch (tag) {
    case 127: // undefined
    case 126: // null
    case 121: // false
    case 120: // true
      return
    case 125: // integer
      if (decoder.pos >= decoder.arr.length) throw new Error('ends too early')
      if (!Number.isSafeInteger(decoding.readVarInt(decoder))) throw new Error('number out of range')
      return
    case 124: // 32 bit float
      return skip(decoder, 4)
    case 123: // 64 bit float
    case 122: // 64 bit integer
      return skip(decoder, 8)
    case 119: // string
      decoding.readVarString(decoder)
      return
    case 118: // object
    case 117: // array
      for (let left = readCount(decoder); left > 0; left--) {
        if (tag === OBJECT_TAG) decoding.readVarString(decoder)
        scanAny(decoder, depth + 1)
      }
      return
    case 116: // bytes
      return skip(decoder, readCount(decoder))
    default:
      throw new Error(`unknown value ${tag}`)
  }
}
