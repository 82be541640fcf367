// Looks at the database's files before the database does, and mends what it can. LevelDB hands on what damage made of
// a table; so every block is checked first. A damaged one is set aside and made unreadable, so that LevelDB knows too,
// and LevelDB's own repair then copies the rest into new tables. What it had to leave out is found in `db/lost`.
//
// Resurrecting an older state of a key, which repair may do, harms nothing here: records of a session are merged.
import { open, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Quarantine } from './quarantine.ts'
import { damagedBlocks, patchFor, type DamagedBlock } from './table-file.ts'
import { isMissing } from '../util/files.ts'

/** Table bytes that are checked before the database is opened; of more, `validateIntegrity` and the scrub take care. */
export const CHECKED_BYTES_MAX = 1024 * 1024 * 1024

export interface CheckedTable {
  readonly path: string
  readonly file: string
  readonly bytes: number
  readonly damaged: readonly DamagedBlock[]
}

/** Whether there are data, but not the file that says which of them count. */
export async function isHeadless(database: string): Promise<boolean> {
  const files = await listFiles(database)
  return !files.includes('CURRENT') && files.some((name) => /\.(ldb|sst|log)$/.test(name))
}

/** Every table of a database, checked one at a time. */
export async function* checkTables(database: string): AsyncGenerator<CheckedTable> {
  for (const file of (await listFiles(database)).filter((name) => /\.(ldb|sst)$/.test(name)).toSorted()) {
    const path = join(database, file)
    const table = await readTable(path)
    // It may have been compacted away since it was listed.
    if (table !== undefined) yield { path, file, bytes: table.length, damaged: damagedBlocks(table) }
  }
}

/** Sets damaged blocks aside and makes them unreadable. Returns what to tell people. */
export async function setAsideBlocks({ path, file, damaged }: CheckedTable, quarantine: Quarantine): Promise<string[]> {
  const table = await readTable(path)
  if (table === undefined) return []
  const told: string[] = []
  const handle = await open(path, 'r+')
  try {
    for (const block of damaged) {
      const { offset, length, what } = block
      if (what !== 'footer') {
        await quarantine.addBlock({ file, offset, value: table.subarray(offset, offset + length) })
      }
      const patch = patchFor(table, block)
      if (patch !== undefined) await handle.write(patch.bytes, 0, patch.bytes.length, patch.at)
      told.push(`${file}: ${what} damaged, ${length} bytes at ${offset} set aside`)
    }
    await handle.sync()
  } finally {
    await handle.close()
  }
  return told
}

/** What LevelDB wrote to its own journal, since it was last opened, of damage that it passed over. */
export async function damageInJournal(database: string): Promise<string[]> {
  const text = await readFile(join(database, 'LOG'), 'utf8').catch(() => '')
  return text
    .split('\n')
    .filter((line) => /dropping \d+ bytes|[Ii]gnoring error|Corruption/.test(line))
    .map((line) => line.replace(/^\S+ \S+ /, ''))
}

async function listFiles(directory: string): Promise<string[]> {
  try {
    return await readdir(directory)
  } catch (error) {
    if (isMissing(error)) return []
    throw error
  }
}

async function readTable(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path)
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}
