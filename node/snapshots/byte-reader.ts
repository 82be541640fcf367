// Bytes by count from a stream of chunks.
import { corrupt } from './format.ts'

export class ByteReader {
  readonly #chunks: AsyncIterator<Uint8Array>
  #buffer: Uint8Array = new Uint8Array()
  #position = 0

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]()
  }

  /** Bytes taken so far. */
  get position(): number {
    return this.#position
  }

  /** Exactly `count` bytes. @throws SNAPSHOT_CORRUPT if the stream ends before them */
  async take(count: number): Promise<Uint8Array> {
    const bytes = await this.upTo(count)
    if (bytes.length < count) throw corrupt(`cut off: ${count} bytes expected, ${bytes.length} left`)
    return bytes
  }

  /** The next byte, which stays; undefined at the end. */
  async peek(): Promise<number | undefined> {
    await this.#fill(1)
    return this.#buffer[0]
  }

  /** `count` bytes, or fewer at the end. */
  async upTo(count: number): Promise<Uint8Array> {
    await this.#fill(count)
    const bytes = this.#buffer.slice(0, count)
    this.#buffer = this.#buffer.subarray(bytes.length)
    this.#position += bytes.length
    return bytes
  }

  async close(): Promise<void> {
    await this.#chunks.return?.()
  }

  async #fill(count: number): Promise<void> {
    if (this.#buffer.length >= count) return
    const parts = [this.#buffer]
    let length = this.#buffer.length
    while (length < count) {
      const next = await this.#chunks.next()
      if (next.done === true) break
      parts.push(next.value)
      length += next.value.length
    }
    const buffer = new Uint8Array(length)
    let at = 0
    for (const part of parts) {
      buffer.set(part, at)
      at += part.length
    }
    this.#buffer = buffer
  }
}
