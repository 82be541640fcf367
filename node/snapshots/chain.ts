// A base and the increments on it, read as one: all files side by side, each in ascending order of session, so the newest
// record of every session comes out in one pass and constant memory.
import { SessionMeshError } from '../../crdt/index.ts'
import type { SnapshotFile, SnapshotTarget } from '../ports/snapshot-target.ts'
import type { SnapshotRecord } from './format.ts'
import { corrupt, type SnapshotHeader } from './format.ts'
import { fileNameOf, parseFileName, type SnapshotName } from './id.ts'
import { SnapshotReader } from './read.ts'
import { chainBackwards } from './retention.ts'

export interface Chain {
  /** The base first. */
  readonly names: readonly SnapshotName[]
  readonly ids: readonly string[]
  readonly bytes: number
}

/** What must be read for the snapshot `id`. @throws SNAPSHOT_NOT_FOUND naming what is missing */
export function chainOf(id: string, files: readonly SnapshotFile[], place: string): Chain {
  const known = new Map<string, SnapshotName>()
  const bytes = new Map<string, number>()
  for (const file of files) {
    const name = parseFileName(file.name)
    if (name === undefined) continue
    known.set(name.key, name)
    bytes.set(name.id, file.bytes)
  }
  const wanted = [...known.values()].find((name) => name.id === id)
  if (wanted === undefined) throw new SessionMeshError('SNAPSHOT_NOT_FOUND', `no snapshot ${id} in ${place}`)
  const names = [...chainBackwards(wanted, known)].toReversed()
  const missing = names[0]?.parentKey
  if (missing !== undefined) {
    const message = `snapshot ${id} builds on one of ${missing}, which is not in ${place}`
    throw new SessionMeshError('SNAPSHOT_NOT_FOUND', message)
  }
  const ids = names.map((name) => name.id)
  return { names, ids, bytes: names.reduce((sum, name) => sum + (bytes.get(name.id) ?? 0), 0) }
}

interface Source {
  readonly records: AsyncGenerator<SnapshotRecord, void, undefined>
  readonly reader: SnapshotReader
  head: SnapshotRecord | undefined
}

export interface ChainReader {
  /** Of the base. */
  readonly header: SnapshotHeader
  /** The newest record of every session, in ascending order. Ends normally only if all files are sound. */
  readonly records: AsyncGenerator<SnapshotRecord, void, undefined>
  /** To be called in any case. */
  close(): Promise<void>
}

/** @throws SNAPSHOT_CORRUPT, SNAPSHOT_NOT_FOUND, SNAPSHOT_TARGET_FAILED */
export async function openChain(
  target: SnapshotTarget,
  chain: Chain,
  onBytes: (bytes: number) => void = () => {},
): Promise<ChainReader> {
  const readers: SnapshotReader[] = []
  const close = async () => {
    for (const reader of readers) await reader.close()
  }
  try {
    const sources: Source[] = []
    let first: SnapshotHeader | undefined
    for (const [index, name] of chain.names.entries()) {
      const reader = new SnapshotReader(name.id, counted(target.get(fileNameOf(name.id)), onBytes))
      readers.push(reader)
      const header = await reader.header()
      checkHeader(header, name, chain.names[index - 1])
      first ??= header
      sources.push({ reader, records: reader.records(header), head: undefined })
    }
    if (first === undefined) throw corrupt('an empty chain')
    return { header: first, records: newest(sources), close }
  } catch (error) {
    await close()
    throw error
  }
}

/** A file that was renamed is not what its name says. */
function checkHeader(header: SnapshotHeader, name: SnapshotName, parent: SnapshotName | undefined): void {
  if (header.id !== name.id || header.parent !== (parent?.id ?? null)) {
    throw corrupt(`snapshot ${name.id} is damaged: its header is of ${header.id} after ${header.parent ?? 'nothing'}`)
  }
}

async function* newest(sources: readonly Source[]): AsyncGenerator<SnapshotRecord, void, undefined> {
  for (const source of sources) await advance(source)
  for (;;) {
    let next: SnapshotRecord | undefined
    // The later source is the newer snapshot: of equal sessions it wins.
    for (const { head } of sources) {
      if (head !== undefined && (next === undefined || head.session <= next.session)) next = head
    }
    if (next === undefined) return
    yield next
    for (const source of sources) if (source.head?.session === next.session) await advance(source)
  }
}

async function advance(source: Source): Promise<void> {
  const { value } = await source.records.next()
  source.head = value ?? undefined
}

async function* counted(
  chunks: AsyncIterable<Uint8Array>,
  onBytes: (bytes: number) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of chunks) {
    onBytes(chunk.length)
    yield chunk
  }
}
