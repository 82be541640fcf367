// Giving room back to the disk: LevelDB keeps what was removed until it compacts the files that hold it, which it does as
// new writes push them, and for a quiet database perhaps never.
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { isMissing } from '../util/files.ts'

export interface Reclaimed {
  readonly bytesBefore: number
  readonly bytesAfter: number
}

/** The little that it needs of a database. */
interface Compactable {
  compactRange(start: Uint8Array, end: Uint8Array): Promise<void>
  batch(operations: { readonly type: 'del'; readonly key: Uint8Array }[], options: { sync: boolean }): Promise<void>
}

const FIRST_KEY = new Uint8Array()
const BEYOND_KEYS = new Uint8Array([0xff])
/** Keys that nothing is ever stored under, before and after all others. */
const ENDS = [new Uint8Array([0]), new Uint8Array([0xfe])]

/** Writers go on meanwhile. @param path where the database's files are */
export async function reclaim(database: Compactable, path: string): Promise<Reclaimed> {
  const bytesBefore = await bytesIn(path)
  // Writes what is in memory to a file, which may go to the lowest level that there is: that one LevelDB would leave as it
  // is. So a file is put above it that spans everything, and compacted into all that lies below.
  await database.compactRange(FIRST_KEY, BEYOND_KEYS)
  await database.batch(
    ENDS.map((key) => ({ type: 'del', key })),
    { sync: true },
  )
  await database.compactRange(FIRST_KEY, BEYOND_KEYS)
  return { bytesBefore, bytesAfter: await bytesIn(path) }
}

async function bytesIn(directory: string): Promise<number> {
  const sizes = (await readdir(directory)).map((name) =>
    stat(join(directory, name)).then(
      ({ size }) => size,
      (error: unknown) => {
        // The database removes files as it likes.
        if (isMissing(error)) return 0
        throw error
      },
    ),
  )
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
}
