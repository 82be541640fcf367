// The parts that find damage below the records: checksums of table files, and numbers of batches.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ClassicLevel } from 'classic-level'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { BatchChain } from '../../../node/store/batch-chain.ts'
import { uncompress } from '../../../node/store/snappy.ts'
import { damagedBlocks, patchFor } from '../../../node/store/table-file.ts'

const scratch = mkdtempSync(join(tmpdir(), 'sessionmesh-mending-'))
let table: Buffer
beforeAll(async () => {
  // Written, and moved from the log into a table by opening it again. Keys alike, so that the index is compressed.
  const open = () => new ClassicLevel(join(scratch, 'db'))
  const entries = Array.from({ length: 3_000 }, (_, i) => `key-${String(i).padStart(40, '0')}`)
  const first = open()
  await first.batch(entries.map((key) => ({ type: 'put', key, value: `${key}${key}${Math.sin(key.length)}` })))
  await first.close()
  const second = open()
  await second.open()
  await second.close()
  const file = readdirSync(join(scratch, 'db')).find((name) => name.endsWith('.ldb')) ?? ''
  table = readFileSync(join(scratch, 'db', file))
})
afterAll(() => rmSync(scratch, { recursive: true }))

test('a sound table has no damaged block', () => {
  expect(table.length).toBeGreaterThan(20_000)
  expect(damagedBlocks(table)).toEqual([])
})

test('a flipped byte is found in the block that holds it, wherever it is', () => {
  const kinds = new Set<string>()
  // The last 48 bytes are the footer: two handles, padding that nobody reads, and a magic number.
  for (let at = 0; at < table.length - 48; at += 37) {
    const damaged = damagedBlocks(flipped(at))
    expect(damaged, `byte ${at}`).toHaveLength(1)
    for (const { offset, length, what } of damaged) {
      kinds.add(what)
      expect(at >= offset && at < offset + length, `byte ${at} in ${offset}+${length}`).toBe(true)
    }
  }
  expect(kinds).toContain('data')
  expect(damagedBlocks(flipped(table.length - 1))).toEqual([{ offset: 0, length: table.length, what: 'footer' }])
  expect(damagedBlocks(flipped(table.length - 48))).toHaveLength(1)
})

test('a table that is cut off anywhere is damaged', () => {
  for (const length of [0, 1, 47, 48, 4_096, table.length - 1]) {
    expect(damagedBlocks(table.subarray(0, length)), `${length} bytes`).not.toEqual([])
  }
})

test('the byte that makes a block unreadable is the one that says how it is compressed', () => {
  const [block] = damagedBlocks(flipped(0))
  if (block === undefined) throw new Error('no damage found')
  const { at, bytes } = patchFor(table, block) ?? { at: 0, bytes: new Uint8Array() }
  expect([0, 1]).toContain(table[at])
  expect(bytes).toEqual(new Uint8Array([0xff]))
})

test('a footer that points anywhere makes nothing else unreadable', async () => {
  for (let at = table.length - 48; at < table.length - 40; at++) {
    for (let bit = 0; bit < 8; bit++) {
      const damaged = Buffer.from(table)
      damaged[at] = (damaged[at] ?? 0) ^ (1 << bit)
      for (const block of damagedBlocks(damaged)) {
        const patch = patchFor(damaged, block)
        expect(patch?.at, `bit ${bit} of byte ${at}: ${block.what}`).toBeGreaterThanOrEqual(table.length - 48)
        if (patch !== undefined) damaged.set(patch.bytes, patch.at)
      }
      const [left, ...others] = damagedBlocks(damaged)
      expect(others).toEqual([])
      expect(['list of filters', 'footer']).toContain(left?.what)
      if (left?.what === 'list of filters') expect(await keysOf(damaged)).toBe(3_000)
    }
  }
})

test('snappy: literals, copies and copies that overlap themselves', () => {
  const text = (bytes: number[]) => Buffer.from(uncompress(new Uint8Array(bytes))).toString()
  expect(text([3, 0x08, 97, 98, 99])).toBe('abc')
  expect(text([9, 0x00, 97, 0x11, 1])).toBe('aaaaaaaaa'.slice(0, 9))
  expect(text([6, 0x04, 97, 98, 0x0e, 2, 0])).toBe('ababab')
  for (const broken of [[3, 0x08, 97], [2, 0x08, 97, 98, 99], [4, 0x00, 97, 0x01, 9], [5, 0x00, 97], []]) {
    expect(() => text(broken), String(broken)).toThrow()
  }
})

test('batches that are missing in the middle, or at the end since a clean stop, are named', () => {
  const keys = new Map<string, Uint8Array>()
  const chain = new BatchChain()
  for (let n = 1; n <= 1_100; n++) {
    for (const operation of chain.next()) {
      if (operation.type === 'put') keys.set(Buffer.from(operation.key).toString('hex'), operation.key)
      else keys.delete(Buffer.from(operation.key).toString('hex'))
    }
    chain.written()
  }
  const kept = [...keys.values()]
  expect(kept).toHaveLength(1_024)
  const resumed = (found: readonly Uint8Array[], stopped: number) => new BatchChain().resume(found, stopped).missing
  expect(resumed(kept, 1_100)).toEqual([])
  expect(resumed(kept, 0)).toEqual([])
  expect(resumed(kept.toSpliced(10, 2), 1_100)).toEqual(['batches 87 to 88 of the log are missing'])
  expect(resumed(kept.slice(0, -3), 1_100)).toEqual(['batches 1098 to 1100 of the log are missing'])
  expect(resumed(kept.slice(0, -3), 1_000)).toEqual([])
  expect(resumed([], 0)).toEqual([])
  expect(resumed([], 5)).toEqual(['batches 1 to 5 of the log are missing'])
  expect(resumed([...kept, new Uint8Array([0x67])], 1_100)).toEqual([])
})

test('what was missing once is not missed again', () => {
  const chain = new BatchChain()
  const { operations } = chain.resume([new Uint8Array([0x67, 0, 0, 0, 0, 0, 0, 0, 7])], 9)
  expect(operations).toHaveLength(1)
  const [next] = chain.next()
  expect(new BatchChain().resume(next === undefined ? [] : [next.key], 9).missing).toEqual([])
})

/** What LevelDB finds in the table when it has nothing else. */
async function keysOf(bytes: Uint8Array): Promise<number> {
  const directory = mkdtempSync(join(scratch, 'alone-'))
  writeFileSync(join(directory, '000001.ldb'), bytes)
  await ClassicLevel.repair(directory)
  const database = new ClassicLevel(directory)
  try {
    return (await database.keys().all()).length
  } finally {
    await database.close()
  }
}

function flipped(at: number): Buffer {
  const copy = Buffer.from(table)
  copy[at] = (copy[at] ?? 0) ^ 0x10
  return copy
}
