// Every batch carries a number, one more than the batch before, and the last thousand numbers are kept. Whole batches
// may go missing without a checksum that fails: LevelDB takes a cut-off end of its log for a crash, and a cut-off
// manifest for an older state. Then numbers are missing too. The number reached at a clean stop is also kept beside the
// database; after a crash, an end that is cut off is what a crash leaves, and nothing in it was acknowledged.
import type { Operation } from './group-commit.ts'
import type { Keystones } from './keystones.ts'
import { decodeMeta, encodeMeta, metaKey } from './record.ts'
import type { Indexed } from './session-index.ts'

/** Numbers kept. What is missing before them LevelDB has noticed by itself (mend.ts): only ends go silently. */
const WINDOW = 1_024
/** A keystone of the store's own. No meta value is called so: slashes are not used there. */
const STONE = '/batches'
const PREFIX = 0x67
const NUMBER_BYTES = 8
const EMPTY = new Uint8Array()

const CHAIN_RANGE = { gte: new Uint8Array([PREFIX]), lt: new Uint8Array([PREFIX + 1]) }

export class BatchChain {
  #last = 0

  /** The number of the last batch that was written. */
  get last(): number {
    return this.#last
  }

  /** What goes into the next batch beside its own operations. */
  next(): Operation[] {
    const number = this.#last + 1
    const put: Operation = { type: 'put', key: keyOf(number), value: EMPTY }
    return number > WINDOW ? [put, { type: 'del', key: keyOf(number - WINDOW) }] : [put]
  }

  /** The batch with what `next` gave is on disk. */
  written(): void {
    this.#last++
  }

  /**
   * Takes up the numbers found in a database, in order, and the one reached at the last clean stop. Returns what is
   * missing, in words, and operations by which the next start will not miss it again.
   */
  resume(keys: readonly Uint8Array[], stopped: number): { missing: string[]; operations: Operation[] } {
    const numbers = keys.flatMap((key) => numberOf(key) ?? [])
    const missing: string[] = []
    let before = numbers[0] === undefined ? 0 : numbers[0] - 1
    for (const number of [...numbers, ...(stopped > (numbers.at(-1) ?? 0) ? [stopped + 1] : [])]) {
      if (number !== before + 1) missing.push(`batches ${before + 1} to ${number - 1} of the log are missing`)
      before = number
    }
    this.#last = Math.max(before, stopped)
    if (missing.length === 0) return { missing, operations: [] }
    const operations: Operation[] = keys.map((key) => ({ type: 'del', key }))
    return { missing, operations }
  }
}

function keyOf(number: number): Uint8Array {
  const key = new Uint8Array(1 + NUMBER_BYTES)
  key[0] = PREFIX
  new DataView(key.buffer).setBigUint64(1, BigInt(number))
  return key
}

function numberOf(key: Uint8Array): number | undefined {
  if (key.length !== 1 + NUMBER_BYTES) return undefined
  return Number(new DataView(key.buffer, key.byteOffset + 1).getBigUint64(0))
}

/** Takes up the chain of a database. Returns what is missing of it, in words for people. */
export async function resumeChain(database: Indexed, stones: Keystones, chain: BatchChain): Promise<string[]> {
  const kept = await stones.get(STONE)
  // Damaged, it says nothing: what the database holds has to do.
  const stopped = Number(Buffer.from((kept && decodeMeta(metaKey(STONE), kept)) ?? []).toString())
  const keys: Uint8Array[] = []
  for await (const key of database.keys(CHAIN_RANGE)) keys.push(key)
  const { missing, operations } = chain.resume(keys, stopped)
  if (operations.length > 0) {
    await database.batch([...operations, ...chain.next()], { sync: true })
    chain.written()
  }
  return missing
}

/** Notes at a clean stop how far the chain has come. */
export function stopChain(stones: Keystones, chain: BatchChain): Promise<void> {
  return stones.put(STONE, encodeMeta(metaKey(STONE), Buffer.from(String(chain.last))))
}
