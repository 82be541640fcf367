// A place for snapshots in memory: for tests and the simulator. Keeps the port's promises but the one about power.
import { concatenate, SessionMeshError } from '../../crdt/index.ts'
import type { SnapshotFile, SnapshotTarget } from '../ports/snapshot-target.ts'

export interface MemoryTarget extends SnapshotTarget {
  /** What is there, to be looked at and damaged. */
  readonly files: Map<string, Uint8Array>
}

export function createMemoryTarget(): MemoryTarget {
  const files = new Map<string, Uint8Array>()
  return {
    place: 'memory',
    files,
    async open() {},
    async put(name, chunks) {
      const parts: Uint8Array[] = []
      for await (const chunk of chunks) parts.push(chunk.slice())
      files.set(name, concatenate(parts))
    },
    async *get(name, from = 0) {
      const bytes = files.get(name)
      if (bytes === undefined) throw new SessionMeshError('SNAPSHOT_NOT_FOUND', `no file ${name} in memory`)
      if (from < bytes.length) yield bytes.subarray(from)
    },
    async list(): Promise<readonly SnapshotFile[]> {
      return [...files.keys()].toSorted().map((name) => ({ name, bytes: files.get(name)?.length ?? 0 }))
    },
    async remove(name) {
      files.delete(name)
    },
  }
}
