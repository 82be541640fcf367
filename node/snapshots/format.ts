// The pieces of a snapshot file, written and read; docs/FORMAT.md is their specification. Writer and reader of a piece
// stand side by side in the same order. How pieces make a file is write.ts and read.ts.
//
// Everything is synchronous and a function of its input, so that the simulator can replay it. Blocks are small enough
// that packing one holds the event loop up for about a millisecond.
import { crc32, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import { z } from 'zod'
import { assert, concatenate, DIGEST_BYTES, parseSessionId, SessionMeshError } from '../../crdt/index.ts'

export const MAGIC: Uint8Array = new Uint8Array([0x53, 0x4d, 0x53, 0x4e, 0x41, 0x50, 0x0d, 1])
/** Unpacked bytes of a block, but for the last. */
export const BLOCK_BYTES = 256 * 1024
/** Body of a section at most: what does not compress grows a little, and a header is small. */
const SECTION_BYTES_MAX = 2 * BLOCK_BYTES
export const SECTION_HEAD_BYTES = 5
export const CRC_BYTES = 4
export const SHA256_BYTES = 32
export const TRAILER_BYTES = 1 + 8 + 8 + 8 + 4 + DIGEST_BYTES + SHA256_BYTES + CRC_BYTES

export const KIND = { header: 0x48, block: 0x42, trailer: 0x54 } as const

export const headerSchema = z.object({
  id: z.string(),
  kind: z.enum(['base', 'increment']),
  parent: z.string().nullable(),
  at: z.number(),
  peer: z.string(),
  name: z.string(),
  boot: z.string(),
  meshName: z.string(),
  shardCount: z.int().min(1).max(65_536),
})
export type SnapshotHeader = z.output<typeof headerSchema>

export interface SnapshotRecord {
  readonly session: string
  readonly digest: Uint8Array
  readonly terminated: boolean
  /** The whole session as one Yjs update. */
  readonly update: Uint8Array
}

export interface SnapshotTrailer {
  readonly records: number
  readonly terminated: number
  readonly rawBytes: number
  readonly blocks: number
  readonly contentHash: Uint8Array
  readonly sha256: Uint8Array
}

/** A damaged file, as the reader found it. The message is completed with where. */
export function corrupt(what: string, cause?: unknown): SessionMeshError {
  return new SessionMeshError('SNAPSHOT_CORRUPT', what, cause === undefined ? {} : { cause })
}

function encodeSection(kind: number, body: Uint8Array): Uint8Array {
  assert(body.length <= SECTION_BYTES_MAX, `section of ${body.length} bytes`)
  const section = new Uint8Array(SECTION_HEAD_BYTES + body.length + CRC_BYTES)
  const view = new DataView(section.buffer)
  section[0] = kind
  view.setUint32(1, body.length)
  section.set(body, SECTION_HEAD_BYTES)
  const end = section.length - CRC_BYTES
  view.setUint32(end, crc32(section.subarray(0, end)))
  return section
}

/** Length of the body, from a section's first bytes. @throws SNAPSHOT_CORRUPT */
export function decodeSectionLength(head: Uint8Array): number {
  const length = viewOf(head).getUint32(1)
  if (length > SECTION_BYTES_MAX) throw corrupt(`section of ${length} bytes, at most ${SECTION_BYTES_MAX}`)
  return length
}

/** The body of a whole section. @throws SNAPSHOT_CORRUPT */
export function decodeSection(section: Uint8Array): Uint8Array {
  const end = section.length - CRC_BYTES
  if (crc32(section.subarray(0, end)) !== viewOf(section).getUint32(end)) throw corrupt('checksum does not fit')
  return section.subarray(SECTION_HEAD_BYTES, end)
}

export function encodeHeader(header: SnapshotHeader): Uint8Array {
  return encodeSection(KIND.header, new TextEncoder().encode(JSON.stringify(header)))
}

/** @throws SNAPSHOT_CORRUPT */
export function decodeHeader(body: Uint8Array): SnapshotHeader {
  try {
    return headerSchema.parse(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body)))
  } catch (cause) {
    throw corrupt('header can not be read', cause)
  }
}

export function encodeBlock(raw: Uint8Array): Uint8Array {
  const packed = zstdCompressSync(raw)
  const body = new Uint8Array(4 + packed.length)
  new DataView(body.buffer).setUint32(0, raw.length)
  body.set(packed, 4)
  return encodeSection(KIND.block, body)
}

/** @throws SNAPSHOT_CORRUPT */
export function decodeBlock(body: Uint8Array): Uint8Array {
  const length = body.length < 4 ? 0 : viewOf(body).getUint32(0)
  if (length < 1 || length > BLOCK_BYTES) throw corrupt(`block of ${length} bytes, at most ${BLOCK_BYTES}`)
  let raw: Uint8Array
  try {
    raw = zstdDecompressSync(body.subarray(4), { maxOutputLength: length })
  } catch (cause) {
    throw corrupt('block can not be unpacked', cause)
  }
  if (raw.length !== length) throw corrupt(`block of ${raw.length} bytes says it has ${length}`)
  return raw
}

export function encodeRecord({ session, digest, terminated, update }: SnapshotRecord): Uint8Array {
  const encoder = encoding.createEncoder()
  encoding.writeVarString(encoder, session)
  encoding.writeUint8Array(encoder, digest)
  encoding.writeUint8(encoder, terminated ? 1 : 0)
  encoding.writeVarUint(encoder, update.length)
  return concatenate([encoding.toUint8Array(encoder), update])
}

/**
 * The record at `at` and where it ends, or how many bytes from `at` on are needed at least to tell.
 * @throws SNAPSHOT_CORRUPT
 */
export function decodeRecord(bytes: Uint8Array, at: number): { record: SnapshotRecord; end: number } | number {
  const decoder = decoding.createDecoder(bytes)
  decoder.pos = at
  /** How many bytes there must be for `count` more; undefined if they are there. */
  const lacks = (count: number) => (count > bytes.length - decoder.pos ? decoder.pos - at + count : undefined)
  try {
    const idLength = readLength(decoder)
    if (idLength === undefined) return bytes.length - at + 1
    const fixed = lacks(idLength + DIGEST_BYTES + 1)
    if (fixed !== undefined) return fixed
    const session = String.fromCharCode(...decoding.readUint8Array(decoder, idLength))
    const digest = decoding.readUint8Array(decoder, DIGEST_BYTES)
    const terminated = decoding.readUint8(decoder)
    if (terminated > 1) throw new Error(`mark ${terminated}`)
    const updateLength = readLength(decoder)
    if (updateLength === undefined) return bytes.length - at + 1
    const rest = lacks(updateLength)
    if (rest !== undefined) return rest
    const update = decoding.readUint8Array(decoder, updateLength)
    const record = { session: parseSessionId(session), digest, terminated: terminated === 1, update }
    return { record, end: decoder.pos }
  } catch (cause) {
    throw corrupt('record can not be read', cause)
  }
}

/** Undefined if the bytes end before the number does. */
function readLength(decoder: decoding.Decoder): number | undefined {
  let end = decoder.pos
  while (end < decoder.arr.length && (decoder.arr[end] ?? 0) >= 0x80) end++
  return end < decoder.arr.length ? decoding.readVarUint(decoder) : undefined
}

/** @param sha256 makes the hash over everything written so far, given the trailer's bytes before the hash */
export function encodeTrailer(
  trailer: Omit<SnapshotTrailer, 'sha256'>,
  sha256: (start: Uint8Array) => Uint8Array,
): Uint8Array {
  const bytes = new Uint8Array(TRAILER_BYTES)
  const view = new DataView(bytes.buffer)
  bytes[0] = KIND.trailer
  view.setBigUint64(1, BigInt(trailer.records))
  view.setBigUint64(9, BigInt(trailer.terminated))
  view.setBigUint64(17, BigInt(trailer.rawBytes))
  view.setUint32(25, trailer.blocks)
  bytes.set(trailer.contentHash, 29)
  const hashAt = 29 + DIGEST_BYTES
  bytes.set(sha256(bytes.subarray(0, hashAt)), hashAt)
  view.setUint32(TRAILER_BYTES - CRC_BYTES, crc32(bytes.subarray(0, TRAILER_BYTES - CRC_BYTES)))
  return bytes
}

/** @throws SNAPSHOT_CORRUPT */
export function decodeTrailer(bytes: Uint8Array): SnapshotTrailer {
  const end = TRAILER_BYTES - CRC_BYTES
  if (bytes.length !== TRAILER_BYTES || bytes[0] !== KIND.trailer) throw corrupt('there is no trailer')
  const view = viewOf(bytes)
  if (crc32(bytes.subarray(0, end)) !== view.getUint32(end)) throw corrupt("trailer's checksum does not fit")
  const hashAt = 29 + DIGEST_BYTES
  return {
    records: Number(view.getBigUint64(1)),
    terminated: Number(view.getBigUint64(9)),
    rawBytes: Number(view.getBigUint64(17)),
    blocks: view.getUint32(25),
    contentHash: bytes.slice(29, hashAt),
    sha256: bytes.slice(hashAt, hashAt + SHA256_BYTES),
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
