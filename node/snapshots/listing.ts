// What is at the target, told from names and from the end of each file.
import { toHex } from '../../crdt/index.ts'
import type { SnapshotFile, SnapshotTarget } from '../ports/snapshot-target.ts'
import type { SnapshotInfo } from './api.ts'
import { decodeTrailer, TRAILER_BYTES } from './format.ts'
import { namesIn, parseFileName } from './id.ts'

type End = Pick<SnapshotInfo, 'sessions' | 'terminated' | 'hash' | 'damage'>

export class Listing {
  readonly #tag: () => string
  /** Files never change: what their end said is kept. */
  #ends = new Map<string, End>()

  constructor(tag: () => string) {
    this.#tag = tag
  }

  /** The newest first. */
  async of(target: SnapshotTarget, files: readonly SnapshotFile[]): Promise<SnapshotInfo[]> {
    const ids = new Map(namesIn(files).map(({ key, id }) => [key, id]))
    const ends = new Map<string, End>()
    const infos: SnapshotInfo[] = []
    for (const file of files) {
      const name = parseFileName(file.name)
      if (name === undefined) continue
      const { id, at, tag, parentKey, isAside } = name
      const end = this.#ends.get(id) ?? (await readEnd(target, file))
      if (end.damage === null) ends.set(id, end)
      const kind = isAside ? 'aside' : parentKey === undefined ? 'base' : 'increment'
      const parent = parentKey === undefined ? null : (ids.get(parentKey) ?? parentKey)
      infos.push({ id, kind, parent, at, tag, own: tag === this.#tag(), bytes: file.bytes, ...end })
    }
    this.#ends = ends
    return infos.toSorted((a, b) => b.at - a.at)
  }
}

async function readEnd(target: SnapshotTarget, file: SnapshotFile): Promise<End> {
  try {
    const chunks: Uint8Array[] = []
    for await (const chunk of target.get(file.name, Math.max(0, file.bytes - TRAILER_BYTES))) chunks.push(chunk)
    const { records, terminated, contentHash } = decodeTrailer(new Uint8Array(Buffer.concat(chunks)))
    return { sessions: records, terminated, hash: toHex(contentHash), damage: null }
  } catch (error) {
    const damage = error instanceof Error ? error.message : String(error)
    return { sessions: null, terminated: null, hash: null, damage }
  }
}
