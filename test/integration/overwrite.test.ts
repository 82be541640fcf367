// One field set again and again: what is left in memory and on disk is bounded by what the history is to keep, not by how
// often it was set. The same with a million writes: `npm run bench:overwrite`.
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const ROOT = join(import.meta.dirname, '../..')
const WRITES = 15_000
const HISTORY_RECORDS_MAX = 1_000
const KIB = 1_024

interface Report {
  readonly documentBytes: number
  readonly heapBytes: number
  readonly peers: readonly Readonly<Record<'records' | 'recordBytes' | 'baseBytes' | 'diskBytesReclaimed', number>>[]
}

test('a field that is set fifteen thousand times leaves a small session on the writer and on its replica', async () => {
  const command = [join(ROOT, 'bench/overwrite.ts'), '--writes', String(WRITES), '--json']
  const { stdout } = await promisify(execFile)(join(ROOT, 'node_modules/.bin/node'), command)
  const { documentBytes, heapBytes, peers } = JSON.parse(stdout) as Report
  expect(documentBytes).toBeLessThan(200)
  expect(heapBytes).toBeLessThan(6_000 * KIB)
  expect(peers).toHaveLength(2)
  for (const peer of peers) {
    expect(peer.records).toBeLessThan(HISTORY_RECORDS_MAX)
    expect(peer.recordBytes).toBeLessThan(64 * KIB)
    expect(peer.baseBytes).toBeLessThan(200)
    // All updates together are 480 kB, and with what is stored beside each two megabytes.
    expect(peer.diskBytesReclaimed).toBeLessThan(150 * KIB)
  }
})
