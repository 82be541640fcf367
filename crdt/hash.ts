// The one hash of the product: SHA-256 cut to 16 bytes.
//
// Synchronous and a pure function of its bytes, so the simulator replays it (an asynchronous digest would finish in
// any order). lib0 brings it for every platform; measured at 1.5 µs for a short input, also in plain JavaScript. It
// keeps apart what accident makes differ; the sums of the hash tree do not resist a member that lies.
import { digest } from 'lib0/hash/sha256'
import { encodeUtf8 } from 'lib0/string'

/** Bytes of every hash and digest here. */
export const HASH_BYTES = 16

/** Hash of the parts put one after the other, texts as UTF-8. */
export function hash128(...parts: readonly (string | Uint8Array)[]): Uint8Array {
  const [first] = parts
  const bytes = parts.length === 1 && first instanceof Uint8Array ? first : concatenate(parts)
  const full = digest(bytes)
  const hash = new Uint8Array(HASH_BYTES)
  for (let i = 0; i < HASH_BYTES; i++) hash[i] = full[i] ?? 0
  return hash
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/** Lower case hexadecimal digits, two a byte. */
export function toHex(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += HEX[byte] ?? ''
  return text
}

/** The parts put one after the other, texts as UTF-8. */
export function concatenate(parts: readonly (string | Uint8Array)[]): Uint8Array {
  const encoded = parts.map((part) => (typeof part === 'string' ? encodeUtf8(part) : part))
  const whole = new Uint8Array(encoded.reduce((length, part) => length + part.length, 0))
  let offset = 0
  for (const part of encoded) {
    whole.set(part, offset)
    offset += part.length
  }
  return whole
}
