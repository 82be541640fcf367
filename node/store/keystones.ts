// The few values without which a store is worth nothing: whose it is, what format it has. Each is kept twice, in the
// database and in a small file beside it, so that no damage to the database makes another peer of this one.
import { mkdir, open, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { isMissing, syncDirectory } from '../util/files.ts'

export class Keystones {
  readonly #directory: string
  /** One after the other: two of one name would take each other's file away. */
  #last: Promise<void> = Promise.resolve()

  constructor(directory: string) {
    this.#directory = join(directory, 'keystones')
  }

  /** The bytes as they were put, damage included: the caller seals them. */
  async get(name: string): Promise<Uint8Array | undefined> {
    try {
      return new Uint8Array(await readFile(this.#path(name)))
    } catch (error) {
      if (isMissing(error)) return undefined
      throw error
    }
  }

  /** On disk when it resolves; a crash leaves the old value or the new one. */
  put(name: string, bytes: Uint8Array): Promise<void> {
    const put = this.#last.catch(() => {}).then(() => this.#put(name, bytes))
    this.#last = put
    return put
  }

  async #put(name: string, bytes: Uint8Array): Promise<void> {
    await mkdir(this.#directory, { recursive: true })
    const path = this.#path(name)
    const file = await open(`${path}.new`, 'w', 0o600)
    try {
      await file.writeFile(bytes)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(`${path}.new`, path)
    await syncDirectory(this.#directory)
  }

  #path(name: string): string {
    return join(this.#directory, `${encodeURIComponent(name)}.value`)
  }
}
