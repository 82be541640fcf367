// Opens the database whatever state its files are in, and says what was found and done. Everything that LevelDB can
// still read is kept; what is beyond that is set aside, never thrown away.
//
//   check every table → damaged: set blocks aside, repair → open → damaged: repair, open again → what did LevelDB pass over?
import { SessionMeshError } from '../../crdt/errors.ts'
import { reasonOf } from './level-errors.ts'
import { CHECKED_BYTES_MAX, checkTables, damageInJournal, isHeadless, setAsideBlocks } from './mend.ts'
import type { Quarantine } from './quarantine.ts'

/** What is done to a database by its library; level.ts has it. */
export interface Opener<Database> {
  /** Where the database's files are. */
  readonly path: string
  open(): Promise<Database>
  /** Whether another process has it open. Changes nothing. */
  isLocked(): Promise<boolean>
  repair(): Promise<void>
  /** Whether an error of `open` says that files are damaged. */
  isDamage(error: unknown): boolean
}

/** @throws whatever `open` throws, and SessionMeshError STORE_CORRUPT if even repair does not help */
export async function openMended<Database>(
  opener: Opener<Database>,
  quarantine: Quarantine,
): Promise<{ database: Database; damage: string[] }> {
  const damage = await mendTables(opener, quarantine)
  // LevelDB would take it for a new database, and delete everything in it.
  if ((await isHeadless(opener.path)) && !(await opener.isLocked())) damage.push('the file CURRENT is missing')
  if (damage.length > 0) damage.push(...(await repair(opener)))
  const database = await opener.open().catch(async (error: unknown) => {
    if (!opener.isDamage(error)) throw error
    damage.push(reasonOf(error), ...(await repair(opener)))
    return opener.open()
  })
  damage.push(...(await damageInJournal(opener.path)))
  return { database, damage }
}

async function mendTables<Database>(opener: Opener<Database>, quarantine: Quarantine): Promise<string[]> {
  const damage: string[] = []
  let checked = 0
  for await (const table of checkTables(opener.path)) {
    if (table.damaged.length > 0) {
      // Another process's files look damaged while it writes them, and are none of our business.
      if (await opener.isLocked()) return []
      damage.push(...(await setAsideBlocks(table, quarantine)))
    }
    checked += table.bytes
    if (checked > CHECKED_BYTES_MAX) break
  }
  return damage
}

async function repair<Database>(opener: Opener<Database>): Promise<string[]> {
  try {
    await opener.repair()
  } catch (cause) {
    const message = `${opener.path} is damaged beyond repair (${reasonOf(cause)}): move it away, and this peer gets all of it from the others`
    throw new SessionMeshError('STORE_CORRUPT', message, { cause })
  }
  return [...(await damageInJournal(opener.path)), 'the database was repaired: what could not be read is in db/lost']
}
