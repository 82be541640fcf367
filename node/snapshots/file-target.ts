// Snapshots in a directory. A file is written under another name, synced, and renamed: under its own name it is whole,
// whenever the process or the power went.
import { createReadStream } from 'node:fs'
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { SessionMeshError, toHex } from '../../crdt/index.ts'
import type { Random } from '../ports/random.ts'
import type { SnapshotFile, SnapshotTarget } from '../ports/snapshot-target.ts'
import { isMissing, syncDirectory } from '../util/files.ts'

const PARTIAL = '.partial'
const RANDOM_BYTES = 4
const OWNER_ONLY = 0o600

/** @param directory made if it is not there; peers may share it */
export function createFileTarget(directory: string, random: Random): SnapshotTarget {
  return new FileTarget(directory, random)
}

class FileTarget implements SnapshotTarget {
  readonly place: string
  readonly #random: Random

  constructor(directory: string, random: Random) {
    this.place = directory
    this.#random = random
  }

  open(isOwn: (name: string) => boolean): Promise<void> {
    return this.#reporting('opening', async () => {
      await mkdir(this.place, { recursive: true })
      for (const file of await readdir(this.place)) {
        const name = file.replace(/\.[0-9a-f]{8}\.partial$/, '')
        if (name !== file && isOwn(name)) await rm(join(this.place, file), { force: true })
      }
    })
  }

  async put(name: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const path = join(this.place, name)
    const partial = `${path}.${toHex(this.#random.bytes(RANDOM_BYTES))}${PARTIAL}`
    try {
      await this.#write(partial, chunks)
      await this.#reporting('writing', async () => {
        await rename(partial, path)
        await syncDirectory(this.place)
      })
    } catch (error) {
      await rm(partial, { force: true }).catch(() => {}) // what went wrong first is what the caller is to hear of
      throw error
    }
  }

  async *get(name: string, from = 0): AsyncGenerator<Uint8Array, void, undefined> {
    const stream = createReadStream(join(this.place, name), { start: from })
    try {
      for await (const chunk of stream) yield chunk as Buffer
    } catch (cause) {
      if (!isMissing(cause)) throw this.#error('reading', cause)
      throw new SessionMeshError('SNAPSHOT_NOT_FOUND', `no file ${name} in ${this.place}`, { cause })
    } finally {
      stream.destroy()
    }
  }

  list(): Promise<readonly SnapshotFile[]> {
    return this.#reporting('listing', async () => {
      const files: SnapshotFile[] = []
      for (const name of (await readdir(this.place)).toSorted()) {
        if (name.endsWith(PARTIAL)) continue
        // One that was removed since is left out.
        const stats = await stat(join(this.place, name)).catch(ignoreMissing)
        if (stats?.isFile() === true) files.push({ name, bytes: stats.size })
      }
      return files
    })
  }

  remove(name: string): Promise<void> {
    return this.#reporting('removing', async () => {
      await rm(join(this.place, name), { force: true })
      await syncDirectory(this.place)
    })
  }

  /** What `chunks` throws goes through as it is: it is no fault of the disk. */
  async #write(path: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const file = await this.#reporting('writing', () => open(path, 'wx', OWNER_ONLY))
    try {
      for await (const chunk of chunks) await this.#reporting('writing', () => file.writeFile(chunk))
      await this.#reporting('writing', () => file.sync())
    } finally {
      await this.#reporting('writing', () => file.close())
    }
  }

  async #reporting<T>(doing: string, task: () => Promise<T>): Promise<T> {
    try {
      return await task()
    } catch (cause) {
      throw this.#error(doing, cause)
    }
  }

  #error(doing: string, cause: unknown): SessionMeshError {
    const reason = cause instanceof Error ? cause.message : String(cause)
    return new SessionMeshError('SNAPSHOT_TARGET_FAILED', `${doing} ${this.place} failed: ${reason}`, { cause })
  }
}

function ignoreMissing(error: unknown): undefined {
  if (!isMissing(error)) throw error
}
