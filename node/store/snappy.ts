// Reads Snappy's raw format: LevelDB compresses the index of a table with it, and without the index the table's blocks
// can't be told apart. Only reading, only in memory; whoever calls has checked the block's checksum.

/** @throws Error if `bytes` are not one compressed block */
export function uncompress(bytes: Uint8Array): Uint8Array {
  const input = { bytes, at: 0 }
  const output = new Uint8Array(varint(input))
  let filled = 0
  while (input.at < bytes.length) {
    const tag = byte(input)
    if ((tag & 3) === 0) {
      const length = literalLength(input, tag >>> 2)
      if (input.at + length > bytes.length || filled + length > output.length) throw new Error('literal out of range')
      output.set(bytes.subarray(input.at, input.at + length), filled)
      input.at += length
      filled += length
    } else {
      const { length, offset } = copyOf(input, tag)
      if (offset === 0 || offset > filled || filled + length > output.length) throw new Error('copy out of range')
      // Byte by byte: a copy may overlap what it writes.
      for (let i = 0; i < length; i++, filled++) output[filled] = output[filled - offset] ?? 0
    }
  }
  if (filled !== output.length) throw new Error('too short')
  return output
}

interface Input {
  readonly bytes: Uint8Array
  at: number
}

function byte(input: Input): number {
  const value = input.bytes[input.at++]
  if (value === undefined) throw new Error('cut off')
  return value
}

function varint(input: Input): number {
  let value = 0
  for (let shift = 0; shift < 35; shift += 7) {
    const part = byte(input)
    value += (part & 0x7f) * 2 ** shift
    if (part < 0x80) return value
  }
  throw new Error('length too long')
}

function littleEndian(input: Input, count: number): number {
  let value = 0
  for (let i = 0; i < count; i++) value += byte(input) * 2 ** (8 * i)
  return value
}

/** Up to 60 stands in the tag itself; more in as many bytes as the tag says. */
function literalLength(input: Input, tag: number): number {
  return tag < 60 ? tag + 1 : littleEndian(input, tag - 59) + 1
}

function copyOf(input: Input, tag: number): { length: number; offset: number } {
  if ((tag & 3) === 1) return { length: ((tag >>> 2) & 7) + 4, offset: ((tag >>> 5) << 8) | byte(input) }
  return { length: (tag >>> 2) + 1, offset: littleEndian(input, (tag & 3) === 2 ? 2 : 4) }
}
