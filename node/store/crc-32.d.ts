// crc-32 brings types for its CRC-32 alone; LevelDB uses the Castagnoli polynomial.
declare module 'crc-32/crc32c.js' {
  const crc32c: {
    /** As a signed 32-bit number; `seed` is the sum so far. */
    buf(bytes: Uint8Array, seed?: number): number
  }
  export default crc32c
}
