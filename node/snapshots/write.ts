// Records to the bytes of a snapshot file, as a stream: memory stays that of one block and one record.
import { createHash } from 'node:crypto'
import { ContentHash, SessionMeshError } from '../../crdt/index.ts'
import {
  BLOCK_BYTES,
  encodeBlock,
  encodeHeader,
  encodeRecord,
  encodeTrailer,
  MAGIC,
  type SnapshotHeader,
  type SnapshotRecord,
} from './format.ts'

/** @throws INVALID_ARGUMENT if the records are not in ascending order of session */
export async function* writeSnapshot(
  header: SnapshotHeader,
  records: AsyncIterable<SnapshotRecord>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const sha256 = createHash('sha256')
  const contentHash = new ContentHash(header.shardCount)
  const packer = new Packer()
  const counts = { records: 0, terminated: 0, rawBytes: 0, blocks: 0 }
  const hashed = (bytes: Uint8Array): Uint8Array => {
    sha256.update(bytes)
    return bytes
  }
  yield hashed(MAGIC)
  yield hashed(encodeHeader(header))
  let last = ''
  for await (const record of records) {
    if (record.session <= last) {
      throw new SessionMeshError('INVALID_ARGUMENT', `records out of order: ${record.session} after ${last}`)
    }
    last = record.session
    contentHash.add(record.session, record.digest)
    const bytes = encodeRecord(record)
    counts.records++
    counts.rawBytes += bytes.length
    if (record.terminated) counts.terminated++
    for (const block of packer.add(bytes)) {
      counts.blocks++
      yield hashed(encodeBlock(block))
    }
  }
  const rest = packer.rest()
  if (rest.length > 0) {
    counts.blocks++
    yield hashed(encodeBlock(rest))
  }
  yield encodeTrailer({ ...counts, contentHash: contentHash.value() }, (start) => sha256.update(start).digest())
}

/** Cuts a stream of bytes into blocks of one length. */
class Packer {
  readonly #block = new Uint8Array(BLOCK_BYTES)
  #used = 0

  rest(): Uint8Array {
    return this.#block.subarray(0, this.#used)
  }

  *add(bytes: Uint8Array): Generator<Uint8Array> {
    for (let at = 0; at < bytes.length;) {
      const part = bytes.subarray(at, at + BLOCK_BYTES - this.#used)
      this.#block.set(part, this.#used)
      this.#used += part.length
      at += part.length
      if (this.#used < BLOCK_BYTES) continue
      yield this.#block
      this.#used = 0
    }
  }
}
