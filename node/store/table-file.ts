// Checks the checksums of a LevelDB table file. LevelDB itself does not look at them when it reads, and would hand on
// what damage made of a block: not only wrong values, which record.ts finds, but records that are silently not there.
//
// A table is blocks one after the other, each followed by its compression (1 byte) and its checksum (4 bytes, masked
// CRC-32C); a footer of 48 bytes at the end names the index block, which names all others.
import crc32c from 'crc-32/crc32c.js'
import * as encoding from 'lib0/encoding'
import { uncompress } from './snappy.ts'

/** Where in a file damage is. */
export interface DamagedBlock {
  readonly offset: number
  readonly length: number
  readonly what: 'footer' | 'index' | 'data' | 'filter' | 'list of filters'
}

/** Bytes to be written over those at a place of a file. */
export interface Patch {
  readonly at: number
  readonly bytes: Uint8Array
}

interface Handle {
  readonly offset: number
  readonly size: number
}

const FOOTER_BYTES = 48
const MAGIC_BYTES = 8
const TRAILER_BYTES = 5
const MAGIC = 0xdb4775248b80fb57n
const MASK_DELTA = 0xa282ead8
const COMPRESSED = 1
/** No compression has this number. */
const UNREADABLE = 0xff

/** Every damaged block of a table; its footer alone if nothing else can be found. */
export function damagedBlocks(table: Uint8Array): DamagedBlock[] {
  const footer = readFooter(table)
  if (footer === undefined) return [{ offset: 0, length: table.length, what: 'footer' }]
  const index = readBlock(table, footer.index)
  if (index === undefined) return [damaged(table, footer.index, 'index')]
  const data = handlesIn(index)
  if (data === undefined) return [damaged(table, footer.index, 'index')]
  const meta = readBlock(table, footer.meta)
  const filters = (meta && handlesIn(meta)) ?? []
  return [
    ...data.filter((handle) => !isSound(table, handle)).map((handle) => damaged(table, handle, 'data')),
    ...(meta === undefined ? [damaged(table, footer.meta, 'list of filters')] : []),
    ...filters.filter((handle) => !isSound(table, handle)).map((handle) => damaged(table, handle, 'filter')),
  ]
}

/**
 * What makes LevelDB refuse a damaged block, too. Only a block that a sound one names is marked itself: what a damaged
 * footer says of places may be anything, and to mark those would be to damage what is sound.
 */
export function patchFor(table: Uint8Array, block: DamagedBlock): Patch | undefined {
  const magicAt = table.length - MAGIC_BYTES
  if (block.what === 'data' || block.what === 'filter') {
    const at = block.offset + block.length - TRAILER_BYTES
    // One that is cut off within its trailer has nothing to mark.
    return block.length > TRAILER_BYTES ? { at, bytes: new Uint8Array([UNREADABLE]) } : undefined
  }
  const footer = readFooter(table)
  if (block.what !== 'list of filters' || footer === undefined) {
    return magicAt < 0 ? undefined : { at: magicAt, bytes: new Uint8Array(MAGIC_BYTES) }
  }
  // Done without: its place is now a block of no bytes that the magic number, read as its trailer, makes unreadable.
  const handles = encoding.createEncoder()
  for (const number of [magicAt, 0, footer.index.offset, footer.index.size]) encoding.writeVarUint(handles, number)
  const bytes = new Uint8Array(FOOTER_BYTES - MAGIC_BYTES)
  bytes.set(encoding.toUint8Array(handles))
  return { at: table.length - FOOTER_BYTES, bytes }
}

function readFooter(table: Uint8Array): { meta: Handle; index: Handle } | undefined {
  if (table.length < FOOTER_BYTES) return undefined
  const footer = table.subarray(table.length - FOOTER_BYTES)
  if (viewOf(footer).getBigUint64(FOOTER_BYTES - MAGIC_BYTES, true) !== MAGIC) return undefined
  const cursor = { bytes: footer, at: 0 }
  const meta = readHandle(cursor)
  const index = readHandle(cursor)
  return meta && index && { meta, index }
}

function isSound(table: Uint8Array, { offset, size }: Handle): boolean {
  const end = offset + size
  if (end + TRAILER_BYTES > table.length) return false
  const masked = viewOf(table).getUint32(end + 1, true)
  const rotated = (masked - MASK_DELTA) >>> 0
  const stored = ((rotated >>> 17) | (rotated << 15)) >>> 0
  return crc32c.buf(table.subarray(offset, end + 1)) >>> 0 === stored
}

function readBlock(table: Uint8Array, handle: Handle): Uint8Array | undefined {
  if (!isSound(table, handle)) return undefined
  const block = table.subarray(handle.offset, handle.offset + handle.size)
  return table[handle.offset + handle.size] === COMPRESSED ? uncompress(block) : block
}

/** The handles that are the values of a block's entries; undefined if it does not parse. */
function handlesIn(block: Uint8Array): Handle[] | undefined {
  const restarts = viewOf(block).getUint32(block.length - 4, true)
  const cursor = { bytes: block.subarray(0, block.length - 4 - 4 * restarts), at: 0 }
  const handles: Handle[] = []
  while (cursor.at < cursor.bytes.length) {
    const [shared, own, length] = [readVarint(cursor), readVarint(cursor), readVarint(cursor)]
    if (shared === undefined || own === undefined || length === undefined) return undefined
    cursor.at += own
    const next = cursor.at + length
    const handle = readHandle(cursor)
    if (handle === undefined) return undefined
    handles.push(handle)
    cursor.at = next
  }
  return handles
}

interface Cursor {
  readonly bytes: Uint8Array
  at: number
}

function readHandle(cursor: Cursor): Handle | undefined {
  const offset = readVarint(cursor)
  const size = readVarint(cursor)
  return offset === undefined || size === undefined ? undefined : { offset, size }
}

function readVarint(cursor: Cursor): number | undefined {
  let value = 0
  for (let shift = 0; shift < 49; shift += 7) {
    const part = cursor.bytes[cursor.at++]
    if (part === undefined) return undefined
    value += (part & 0x7f) * 2 ** shift
    if (part < 0x80) return value
  }
  return undefined
}

/** As long as the file allows: a handle that damage made up may point anywhere. */
function damaged(table: Uint8Array, { offset, size }: Handle, what: DamagedBlock['what']): DamagedBlock {
  const start = Math.min(offset, table.length)
  return { offset: start, length: Math.min(size + TRAILER_BYTES, table.length - start), what }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
