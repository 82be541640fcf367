// Columns of numbers as one run of bytes, and back. Little-endian, as every machine that matters is.

export type NumberKind = 'u8' | 'u16' | 'u32' | 'f32' | 'f64'
export type NumberArray = Uint8Array | Uint16Array | Uint32Array | Float32Array | Float64Array

export type Schema = Readonly<Record<string, NumberKind>>
export type Columns<S extends Schema> = Readonly<Record<keyof S, NumberArray>>

const ARRAYS = { u8: Uint8Array, u16: Uint16Array, u32: Uint32Array, f32: Float32Array, f64: Float64Array }
/** Every column begins at a multiple of this, so that it can be read in place. */
const ALIGNMENT = 8

/** The columns in the order of the schema, each led by its length. */
export function packColumns<S extends Schema>(
  schema: S,
  columns: Readonly<Record<keyof S, ArrayLike<number>>>,
): Uint8Array {
  const parts = Object.entries(schema).map(([name, kind]) => ARRAYS[kind].from(columns[name] ?? []))
  const size = parts.reduce((total, part) => total + ALIGNMENT + aligned(part.byteLength), 0)
  const bytes = new Uint8Array(size)
  const view = new DataView(bytes.buffer)
  let offset = 0
  for (const part of parts) {
    view.setUint32(offset, part.length, true)
    offset += ALIGNMENT
    bytes.set(new Uint8Array(part.buffer, part.byteOffset, part.byteLength), offset)
    offset += aligned(part.byteLength)
  }
  return bytes
}

export function unpackColumns<S extends Schema>(schema: S, bytes: Uint8Array<ArrayBuffer>): Columns<S> {
  const view = new DataView(bytes.buffer)
  const columns: Record<string, NumberArray> = {}
  let offset = 0
  for (const [name, kind] of Object.entries(schema)) {
    const length = view.getUint32(offset, true)
    offset += ALIGNMENT
    const column = new ARRAYS[kind](bytes.buffer, offset, length)
    columns[name] = column
    offset += aligned(column.byteLength)
  }
  return columns as Columns<S>
}

function aligned(size: number): number {
  return Math.ceil(size / ALIGNMENT) * ALIGNMENT
}
