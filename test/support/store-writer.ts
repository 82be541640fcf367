// A process that appends to a store as fast as it may, and prints the number of each append once it is acknowledged:
// what the crash test kills. Run as `node store-writer.ts DIRECTORY FIRST`; writes numbers from FIRST on.
//
// Each number is one append of two records, one to a session of its own lane and one to `all`, so that a half-written
// append shows. Lines go out synchronously: what is printed has left the process when it dies.
import { writeSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { hasCode } from '../../crdt/errors.ts'
import type { LogRecord, Store } from '../../node/ports/store.ts'
import { createLevelStore } from '../../node/store/level.ts'

/** Appends under way at once. */
export const LANES = 8
/** Appends of a lane after which its session is compacted: crashes hit compactions too. */
const COMPACT_EVERY = 40

/** Told by the number alone, so that the reader knows what to find. */
export function recordsOf(n: number): LogRecord[] {
  const update = new Uint8Array(32 + (n % 400)).fill(n % 251)
  const rest = { sequence: n, origin: 'writer', boot: 'b', frameSequence: n, time: n, update }
  return [
    { session: `lane-${n % LANES}`, ...rest },
    { session: 'all', ...rest },
  ]
}

async function main(directory: string, first: number): Promise<void> {
  const store = createLevelStore({ directory })
  await store.open()
  say('open\n')
  // A full disk is waited for; nobody makes room here.
  const watching = setInterval(() => {
    if (store.obstacle === undefined) return
    clearInterval(watching)
    say('full\n')
    void store.close()
  }, 10)
  let next = first
  const lane = async (): Promise<void> => {
    for (let count = 1; ; count++) {
      const n = next++
      await store.append(recordsOf(n))
      say(`${n}\n`)
      if (count % COMPACT_EVERY === 0) await compact(store, n)
    }
  }
  try {
    await Promise.all(Array.from({ length: LANES }, lane))
  } catch (error) {
    if (!hasCode(error, 'STORE_FAILED')) throw error
    // Once failed, for ever failed: what is promised after this line is a lie.
    say('failed\n')
    for (let i = 0; i < 20; i++) await store.append(recordsOf(next++)).then(() => say('lied\n'), refused)
    await store.close()
  }
}

/** Replaces a lane's records up to `n` by a base that stands for them. */
async function compact(store: Store, n: number): Promise<void> {
  const session = `lane-${n % LANES}`
  await store.compact({ session, throughSequence: n, update: new Uint8Array([n % 251]) })
}

/** Synchronously, so that what is said has left the process; a reader that is slow is waited for. */
function say(line: string): void {
  for (;;) {
    try {
      writeSync(1, line)
      return
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EAGAIN')) throw error
    }
  }
}

function refused(error: unknown): void {
  if (!hasCode(error, 'STORE_FAILED')) throw error
}

const [, script = '', directory = '', first = '1'] = process.argv
if (import.meta.url === pathToFileURL(script).href) await main(directory, Number(first))
