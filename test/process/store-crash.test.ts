// What the store has acknowledged is there again after SIGKILL at any moment, and after a disk that was full.
// SIGKILL loses what the process holds in memory, not what the kernel has: that a batch is synced before it is
// acknowledged shows with a loss of power only, which is the simulator's business.
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { LogRecord, StoredSession } from '../../node/ports/store.ts'
import { createLevelStore } from '../../node/store/level.ts'
import { LANES, recordsOf } from '../support/store-writer.ts'

const ROOT = join(import.meta.dirname, '../..')
const NODE = join(ROOT, 'node_modules/.bin/node')
const WRITER = join(ROOT, 'test/support/store-writer.ts')
const ROUNDS = 8
/** A round ends after up to so many acknowledgements; LevelDB changes its log file every 4 MiB, some 12,000 of them. */
const ACKS_MAX = 6_000
const FILE_KIB_MAX = 2_048

let directory: string
let child: ChildProcess | undefined
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'sessionmesh-crash-'))
})
afterEach(() => {
  child?.kill('SIGKILL')
  rmSync(directory, { recursive: true })
})

test('every acknowledged append survives SIGKILL at a random moment', async () => {
  let acknowledged = 0
  let stored = 0
  for (let round = 1; round <= ROUNDS; round++) {
    // The first is killed as soon as it is open, perhaps while it writes its first batch.
    const acks = round === 1 ? 0 : 1 + Math.floor(Math.random() * ACKS_MAX)
    const lines = await run(NODE, [WRITER, directory, String(stored + 1)], acks)
    expect(lines[0]).toBe('open')
    acknowledged = Math.max(acknowledged, ...lines.slice(1).map(Number))
    stored = await verify()
    expect(stored, `round ${round}, killed after ${lines.length - 1} acks`).toBeGreaterThanOrEqual(acknowledged)
  }
  expect(acknowledged).toBeGreaterThan(ROUNDS)
})

test('a full disk, and a store closed while it waits for room, break no promise made before', async () => {
  // Node ignores the signal that comes with the limit: writes past it fail, as on a full disk.
  const limited = ['-c', `ulimit -f ${FILE_KIB_MAX} && exec "$0" "$@"`, NODE, WRITER, directory, '1']
  const lines = await run('bash', limited, Infinity)
  expect(lines.at(-1)).toBe('failed')
  expect(lines).toContain('full')
  const acknowledged = lines.slice(1, lines.indexOf('full')).map(Number)
  expect(acknowledged.length).toBeGreaterThan(100)
  expect(await verify()).toBeGreaterThanOrEqual(Math.max(...acknowledged))
})

/** Starts a writer, kills it once it has acknowledged so many appends, and returns all it said. */
async function run(command: string, args: string[], acks: number): Promise<string[]> {
  const writer = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  child = writer
  const closed = once(writer, 'close')
  const lines: string[] = []
  for await (const line of createInterface({ input: writer.stdout })) {
    lines.push(line)
    if (lines.length > acks) writer.kill('SIGKILL')
  }
  await closed
  return lines
}

/**
 * Looks at all that is stored: it must be appends 1 to n without a gap, each whole, byte for byte. Returns n.
 * Acknowledged appends are then those up to the last acknowledged: the store promises the order of the calls.
 */
async function verify(): Promise<number> {
  const store = createLevelStore({ directory })
  expect(await store.open()).toEqual({ quarantined: 0, damage: [] })
  const sessions = new Map<string, StoredSession>()
  for await (const { session, stored } of store.sessions()) sessions.set(session, stored)
  await store.close()
  const all = sessions.get('all')?.tail ?? []
  const lanes = new Map<number, LogRecord>()
  for (let lane = 0; lane < LANES; lane++) {
    for (const record of sessions.get(`lane-${lane}`)?.tail ?? []) lanes.set(record.sequence, record)
  }
  for (const [index, record] of all.entries()) {
    const [ofLane, ofAll] = recordsOf(index + 1)
    if (!same(record, ofAll)) expect(record).toEqual(ofAll)
    const through = sessions.get(ofLane?.session ?? '')?.base?.throughSequence ?? 0
    if (index + 1 > through && !same(lanes.get(index + 1), ofLane)) expect(lanes.get(index + 1)).toEqual(ofLane)
  }
  expect(Math.max(0, ...lanes.keys())).toBeLessThanOrEqual(all.length)
  return all.length
}

/** Quicker than Vitest's, for tens of thousands of records. */
function same(one: LogRecord | undefined, other: LogRecord | undefined): boolean {
  if (one === undefined || other === undefined) return false
  const { update, ...rest } = one
  const { update: otherUpdate, ...otherRest } = other
  return Buffer.compare(update, otherUpdate) === 0 && JSON.stringify(rest) === JSON.stringify(otherRest)
}
