// The bytes of a snapshot file back to its header and records, as a stream. Nothing is handed on before its checksum was
// looked at, and the end is reached only if the whole file is what its writer wrote.
import { createHash } from 'node:crypto'
import { concatenate, ContentHash, digestsEqual, hasCode, SessionMeshError } from '../../crdt/index.ts'
import { ByteReader } from './byte-reader.ts'
import {
  corrupt,
  CRC_BYTES,
  decodeBlock,
  decodeHeader,
  decodeRecord,
  decodeSection,
  decodeSectionLength,
  decodeTrailer,
  KIND,
  MAGIC,
  SECTION_HEAD_BYTES,
  SHA256_BYTES,
  TRAILER_BYTES,
  type SnapshotHeader,
  type SnapshotRecord,
  type SnapshotTrailer,
} from './format.ts'

export class SnapshotReader {
  readonly #name: string
  readonly #reader: ByteReader
  readonly #sha256 = createHash('sha256')
  #block = 0
  #what = 'magic'
  #trailer: SnapshotTrailer | undefined

  constructor(name: string, chunks: AsyncIterable<Uint8Array>) {
    this.#name = name
    this.#reader = new ByteReader(chunks)
  }

  /** To be read first. @throws SNAPSHOT_CORRUPT, SNAPSHOT_NOT_FOUND, SNAPSHOT_TARGET_FAILED */
  header(): Promise<SnapshotHeader> {
    return this.#naming(async () => {
      const magic = await this.#take(MAGIC.length)
      const version = MAGIC.length - 1
      if (!digestsEqual(magic.subarray(0, version), MAGIC.subarray(0, version))) throw corrupt('this is no snapshot')
      if (magic[version] !== MAGIC[version])
        throw corrupt(`format version ${magic[version]}, ${MAGIC[version]} is known`)
      this.#what = 'header'
      const { kind, body } = await this.#section()
      if (kind !== KIND.header) throw corrupt('there is no header')
      return decodeHeader(body)
    })
  }

  /** Every record, once the header was read. Ends normally only if the whole file is sound. */
  async *records(header: SnapshotHeader): AsyncGenerator<SnapshotRecord, void, undefined> {
    const contentHash = new ContentHash(header.shardCount)
    const seen = { records: 0, terminated: 0, rawBytes: 0, last: '' }
    const records = new RecordStream()
    for (;;) {
      const whole = await this.#naming(async () => {
        const block = await this.#nextBlock()
        if (block === undefined) return undefined
        seen.rawBytes += block.length
        const decoded = records.add(block)
        for (const record of decoded) {
          if (record.session <= seen.last) throw corrupt(`record of ${record.session} follows ${seen.last}`)
          seen.last = record.session
          seen.records++
          if (record.terminated) seen.terminated++
          contentHash.add(record.session, record.digest)
        }
        return decoded
      })
      if (whole === undefined) break
      yield* whole
    }
    await this.#naming(async () => {
      if (records.left > 0) throw corrupt(`${records.left} bytes of a record that has no end`)
      this.#agree({ ...seen, contentHash: contentHash.value() })
      if ((await this.#reader.upTo(1)).length > 0) throw corrupt('bytes follow its end')
    })
  }

  /** What the file says of itself at its end; known once all records were read. */
  trailer(): SnapshotTrailer {
    if (this.#trailer === undefined) throw corrupt(`${this.#name}: not read to its end`)
    return this.#trailer
  }

  /** To be called in any case: lets go of the source. */
  close(): Promise<void> {
    return this.#reader.close()
  }

  /** The next block unpacked; undefined at the trailer, which is then read. */
  async #nextBlock(): Promise<Uint8Array | undefined> {
    this.#what = `block ${this.#block}`
    const next = await this.#reader.peek()
    if (next === KIND.trailer) {
      await this.#readTrailer()
      return undefined
    }
    const { kind, body } = await this.#section()
    if (kind !== KIND.block) throw corrupt(`section of unknown kind ${kind}`)
    this.#block++
    return decodeBlock(body)
  }

  async #readTrailer(): Promise<void> {
    this.#what = 'trailer'
    const bytes = await this.#reader.take(TRAILER_BYTES)
    const trailer = decodeTrailer(bytes)
    this.#sha256.update(bytes.subarray(0, TRAILER_BYTES - CRC_BYTES - SHA256_BYTES))
    if (!digestsEqual(this.#sha256.digest(), trailer.sha256)) throw corrupt('SHA-256 does not fit')
    this.#trailer = trailer
  }

  #agree(seen: { records: number; terminated: number; rawBytes: number; contentHash: Uint8Array }): void {
    const said = this.trailer()
    if (said.blocks !== this.#block) throw corrupt(`${this.#block} blocks, ${said.blocks} were written`)
    for (const field of ['records', 'terminated', 'rawBytes'] as const) {
      if (said[field] !== seen[field]) throw corrupt(`${field}: ${seen[field]} found, ${said[field]} written`)
    }
    if (!digestsEqual(said.contentHash, seen.contentHash)) throw corrupt('content hash does not fit')
  }

  async #section(): Promise<{ kind: number; body: Uint8Array }> {
    const head = await this.#reader.take(SECTION_HEAD_BYTES)
    const rest = await this.#reader.take(decodeSectionLength(head) + CRC_BYTES)
    const section = concatenate([head, rest])
    const body = decodeSection(section)
    this.#sha256.update(section)
    return { kind: section[0] ?? 0, body }
  }

  async #take(count: number): Promise<Uint8Array> {
    const bytes = await this.#reader.take(count)
    this.#sha256.update(bytes)
    return bytes
  }

  /** Completes the message of what is damaged by where. */
  async #naming<T>(read: () => Promise<T>): Promise<T> {
    const at = this.#reader.position
    try {
      return await read()
    } catch (error) {
      if (!hasCode(error, 'SNAPSHOT_CORRUPT')) throw error
      const message = `snapshot ${this.#name} is damaged: ${this.#what} at byte ${at}: ${error.message}`
      throw new SessionMeshError('SNAPSHOT_CORRUPT', message, { cause: error })
    }
  }
}

/** Blocks to records, which go over the borders of blocks. A large one is put together once, when all of it is there. */
class RecordStream {
  #parts: Uint8Array[] = []
  #needed = 1
  /** Bytes of a record whose end has not come. */
  left = 0

  /** The records that are whole now. @throws SNAPSHOT_CORRUPT */
  add(block: Uint8Array): SnapshotRecord[] {
    this.#parts.push(block)
    this.left += block.length
    if (this.left < this.#needed) return []
    const bytes = concatenate(this.#parts)
    const records: SnapshotRecord[] = []
    let at = 0
    for (;;) {
      const decoded = decodeRecord(bytes, at)
      if (typeof decoded === 'number') {
        this.#needed = decoded
        this.#parts = [bytes.slice(at)]
        this.left = bytes.length - at
        return records
      }
      records.push(decoded.record)
      at = decoded.end
    }
  }
}
