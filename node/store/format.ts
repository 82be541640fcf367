// The version of a database: refuses another one's, takes over an older one, makes the index anew where that is needed.
import { rebuildIndex, type Indexed } from './session-index.ts'
import type { Keystones } from './keystones.ts'
import { DATABASE_VERSION, FORMAT_KEY } from './record.ts'

const FORMAT_STONE = '/format'
/** Format 1 had neither index nor batch numbers. A database that is to be indexed anew is marked as one. */
const WITHOUT_INDEX = 1

export interface Versioned extends Indexed {
  get(key: Uint8Array): Promise<Uint8Array | undefined>
  put(key: Uint8Array, value: Uint8Array, options: { readonly sync: boolean }): Promise<void>
}

/**
 * @param isDamaged records may be missing: what the index says of sessions can't be believed
 * @returns what was damaged, in words for people
 * @throws Error for a database of another version, or of somebody else
 */
export async function bringUpToFormat(database: Versioned, stones: Keystones, isDamaged: boolean): Promise<string[]> {
  const version = (await database.get(FORMAT_KEY))?.[0]
  const kept = (await stones.get(FORMAT_STONE))?.[0]
  if (version === DATABASE_VERSION && kept === version && !isDamaged) return []
  const isNew = version === undefined && (await isEmpty(database))
  const isLost = version === undefined && kept === DATABASE_VERSION
  if (!isNew && !isLost && version !== DATABASE_VERSION && version !== WITHOUT_INDEX) {
    throw new Error(`its data format is ${version ?? 'unknown'}, this version reads ${DATABASE_VERSION}`)
  }
  if (!isNew) {
    // Whatever stops this half way, the next start does it again.
    await database.put(FORMAT_KEY, new Uint8Array([WITHOUT_INDEX]), { sync: true })
    await rebuildIndex(database)
  }
  await database.put(FORMAT_KEY, new Uint8Array([DATABASE_VERSION]), { sync: true })
  await stones.put(FORMAT_STONE, new Uint8Array([DATABASE_VERSION]))
  if (!isLost) return []
  return [isNew ? 'the database was gone: this peer starts from nothing' : 'the format of the database was lost']
}

async function isEmpty(database: Indexed): Promise<boolean> {
  for await (const key of database.keys({ limit: 1 })) return key === undefined
  return true
}
