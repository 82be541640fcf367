// Snapshot files: what was written is read, byte for byte as docs/FORMAT.md says, and nothing else is.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { concatenate, ContentHash, hash128, toHex } from '../../../crdt/index.ts'
import { BLOCK_BYTES, TRAILER_BYTES, type SnapshotHeader, type SnapshotRecord } from '../../../node/snapshots/format.ts'
import { SnapshotReader } from '../../../node/snapshots/read.ts'
import { writeSnapshot } from '../../../node/snapshots/write.ts'

const header: SnapshotHeader = {
  id: '20260801T120000123Z-4f2a9c1e',
  kind: 'base',
  parent: null,
  at: 1_785_585_600_123,
  peer: '12D3KooW',
  name: 'edge-1',
  boot: 'b00',
  meshName: 'mesh',
  shardCount: 8,
}

const record = (session: string, update: Uint8Array, terminated = false): SnapshotRecord => ({
  session,
  digest: hash128(session, String(update.length)),
  terminated,
  update,
})

async function* each<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items
}

async function write(records: readonly SnapshotRecord[]): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  for await (const chunk of writeSnapshot(header, each(records))) chunks.push(chunk.slice())
  return concatenate(chunks)
}

async function read(bytes: Uint8Array, chunkBytes = 1_000): Promise<SnapshotRecord[]> {
  const chunks: Uint8Array[] = []
  for (let at = 0; at < bytes.length; at += chunkBytes) chunks.push(bytes.subarray(at, at + chunkBytes))
  const reader = new SnapshotReader('it', each(chunks))
  expect(await reader.header()).toEqual(header)
  const records: SnapshotRecord[] = []
  for await (const found of reader.records(header)) records.push(found)
  return records
}

test('golden bytes: magic, header and trailer of a snapshot without sessions', async () => {
  const bytes = await write([])
  expect(toHex(bytes.subarray(0, 8))).toBe('534d534e41500d01')
  const json = JSON.stringify(header)
  expect(toHex(bytes.subarray(8, 13))).toBe(`48${json.length.toString(16).padStart(8, '0')}`)
  expect(Buffer.from(bytes.subarray(13, 13 + json.length)).toString()).toBe(json)
  expect(bytes).toHaveLength(13 + json.length + 4 + TRAILER_BYTES)
  expect(TRAILER_BYTES).toBe(81)
  const empty = toHex(hash128(new Uint8Array(8 * 16)))
  expect(toHex(bytes.subarray(-TRAILER_BYTES, -36))).toBe(`54${'00'.repeat(28)}${empty}`)
  expect(toHex(bytes.subarray(-36))).toMatchInlineSnapshot(
    `"dd9619d2ea36b2ba5d5f3da3165fbb2145a324b2684a63d8e008ff8c5a8a0881a332417c"`,
  )
})

test('golden bytes: a file that this version must always read', async () => {
  const records = [record('a', new Uint8Array([1, 2, 3])), record('b', new Uint8Array(), true)]
  const bytes = Buffer.from(GOLDEN, 'base64')
  expect(await read(bytes)).toEqual(records)
})

test('any records come back as they were, however the file is cut into chunks', async () => {
  const anyRecord = fc.record({
    session: fc.stringMatching(/^[!-~]{1,40}$/),
    update: fc.uint8Array({ maxLength: 2_000 }),
    terminated: fc.boolean(),
  })
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(anyRecord, { selector: ({ session }) => session, maxLength: 30 }),
      fc.integer({ min: 1, max: 5_000 }),
      async (drawn, chunkBytes) => {
        const records = drawn
          .toSorted((a, b) => (a.session < b.session ? -1 : 1))
          .map(({ session, update, terminated }) => record(session, update, terminated))
        expect(await read(await write(records), chunkBytes)).toEqual(records)
      },
    ),
    { numRuns: 50 },
  )
})

test('records over the borders of blocks, and larger than many of them', async () => {
  const noise = (seed: number, length: number) =>
    new Uint8Array(length).map((_, i) => Math.imul(i + seed, 2_654_435_761) >>> 13)
  const records = [
    record('a', noise(1, BLOCK_BYTES - 100)),
    record('b', noise(2, 200)),
    record('c', noise(3, 10 * BLOCK_BYTES)),
    record('d', noise(4, BLOCK_BYTES)),
    record('e', new Uint8Array()),
  ]
  const found = await read(await write(records), 100_000)
  expect(found.map(({ session }) => session)).toEqual(['a', 'b', 'c', 'd', 'e'])
  for (const [i, { update }] of found.entries()) expect(Buffer.compare(update, noiseOf(records, i))).toBe(0)
})

const noiseOf = (records: readonly SnapshotRecord[], i: number): Uint8Array => records[i]?.update ?? new Uint8Array()

test('the trailer counts what is there, and hashes it as a peer would', async () => {
  const records = [record('a', new Uint8Array([1])), record('b', new Uint8Array([2]), true)]
  const reader = new SnapshotReader('it', each([await write(records)]))
  for await (const _ of reader.records(await reader.header())) void _
  const content = new ContentHash(header.shardCount)
  for (const { session, digest } of records.toReversed()) content.add(session, digest)
  expect(reader.trailer()).toMatchObject({ records: 2, terminated: 1, blocks: 1, contentHash: content.value() })
})

test('records out of order are not written, and not read', async () => {
  const [a, b] = [record('a', new Uint8Array([1])), record('b', new Uint8Array([1]))]
  await expect(write([b, a])).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  await expect(write([a, a])).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
})

test('a file of a later version, and what is no snapshot, are told apart', async () => {
  const bytes = await write([])
  const other = bytes.slice()
  other[7] = 2
  await expect(read(other)).rejects.toThrow(/format version 2, 1 is known/)
  await expect(read(new TextEncoder().encode('something else entirely'))).rejects.toThrow(/this is no snapshot/)
  await expect(read(new Uint8Array())).rejects.toThrow(/cut off/)
})

const GOLDEN = [
  'U01TTkFQDQFIAAAApHsiaWQiOiIyMDI2MDgwMVQxMjAwMDAxMjNaLTRmMmE5YzFlIiwia2luZCI6ImJhc2UiLCJwYXJlbnQiOm51',
  'bGwsImF0IjoxNzg1NTg1NjAwMTIzLCJwZWVyIjoiMTJEM0tvb1ciLCJuYW1lIjoiZWRnZS0xIiwiYm9vdCI6ImIwMCIsIm1lc2hO',
  'YW1lIjoibWVzaCIsInNoYXJkQ291bnQiOjh9yTE2sEIAAAA4AAAAKyi1L/0gK1kBAAFh9G3SilSZ2O/vC4+47h7BxQADAQIDAWLA',
  'LAuWXgI6vugI8rVI2NUZAQD3rEVlVAAAAAAAAAACAAAAAAAAAAEAAAAAAAAAKwAAAAEdwn6R5SjMyatOhYuSmVkuLQ4x6nkelEPv',
  'JjmHZ7zyWBSDjaM2zi/Ck+oDYCyu95spThjg',
].join('')
