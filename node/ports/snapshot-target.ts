// The SnapshotTarget port: where snapshots are kept, a directory or a bucket. Files are written once and never changed.
// Implementations: node/snapshots/file-target.ts, s3-target.ts and memory-target.ts.
// test/contract/snapshot-target.contract.ts is its specification.

export interface SnapshotFile {
  readonly name: string
  readonly bytes: number
}

/** Every call may reject with SNAPSHOT_TARGET_FAILED. Names are 1 to 200 letters, digits, dots and dashes. */
export interface SnapshotTarget {
  /** Where it is, for people. */
  readonly place: string
  /** Makes it ready for use, and removes what a writer that died has left half done of these names. */
  open(isOwn: (name: string) => boolean): Promise<void>
  /**
   * Writes a whole file: once this has resolved it is there and stays over a crash. Until then, and if it rejects or
   * the process dies, nothing is there under that name, or what was there before. Rejects with what `chunks` throws.
   */
  put(name: string, chunks: AsyncIterable<Uint8Array>): Promise<void>
  /** The file's bytes from offset `from` (0) on. @throws SNAPSHOT_NOT_FOUND */
  get(name: string, from?: number): AsyncIterable<Uint8Array>
  /** Every whole file, in order of name. */
  list(): Promise<readonly SnapshotFile[]>
  /** One that is not there is removed already. */
  remove(name: string): Promise<void>
}
