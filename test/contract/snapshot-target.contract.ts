// What every SnapshotTarget must do (node/ports/snapshot-target.ts). Run it on your own implementation:
//
//   runSnapshotTargetContract('mine', async () => createMine(dir))
import { expect, test } from 'vitest'
import type { SnapshotTarget } from '../../node/ports/snapshot-target.ts'

type Check = (title: string, body: (target: SnapshotTarget) => Promise<void>) => void

/** @param makeTarget a target that is empty */
export function runSnapshotTargetContract(name: string, makeTarget: () => Promise<SnapshotTarget>): void {
  const check: Check = (title, body) =>
    test(`${name}: ${title}`, async () => {
      const target = await makeTarget()
      await target.open(() => true)
      await body(target)
    })
  checkFiles(check)
  checkFailures(check)
}

function checkFiles(check: Check): void {
  check('reads back what was written, whole or from an offset on', async (target) => {
    const parts = [bytes(1, 10), new Uint8Array(), bytes(2, 200_000), bytes(3, 1)]
    await target.put('a.snapshot', chunks(parts))
    const whole = Buffer.concat(parts)
    expect(whole.equals(await read(target, 'a.snapshot'))).toBe(true)
    for (const from of [1, 10, 100_000, whole.length - 1, whole.length]) {
      expect(whole.subarray(from).equals(await read(target, 'a.snapshot', from))).toBe(true)
    }
  })

  check('keeps a file of many mebibytes and an empty one', async (target) => {
    const large = Array.from({ length: 20 }, (_, i) => bytes(i, 1024 * 1024))
    await target.put('large', chunks(large))
    await target.put('empty', chunks([]))
    expect(Buffer.concat(large).equals(await read(target, 'large'))).toBe(true)
    expect(await read(target, 'empty')).toHaveLength(0)
  })

  check('lists files with their sizes in order of name', async (target) => {
    expect(await target.list()).toEqual([])
    for (const name of ['b', 'a-2', 'a', 'c.snapshot']) await target.put(name, chunks([bytes(1, name.length)]))
    expect(await target.list()).toEqual([
      { name: 'a', bytes: 1 },
      { name: 'a-2', bytes: 3 },
      { name: 'b', bytes: 1 },
      { name: 'c.snapshot', bytes: 10 },
    ])
  })

  check('takes the chunks one after the other, as the file is written', async (target) => {
    let made = 0
    async function* making() {
      for (; made < 5; made++) yield bytes(made, 10)
    }
    await target.put('a', making())
    expect(made).toBe(5)
  })

  check('removes a file; one that is not there is removed already', async (target) => {
    await target.put('a', chunks([bytes(1, 10)]))
    await target.put('b', chunks([bytes(1, 10)]))
    await target.remove('a')
    await target.remove('a')
    expect(await target.list()).toEqual([{ name: 'b', bytes: 10 }])
    await expect(read(target, 'a')).rejects.toMatchObject({ code: 'SNAPSHOT_NOT_FOUND' })
  })

  check('is read by several at once, and may be left half way', async (target) => {
    await target.put('a', chunks([bytes(1, 300_000)]))
    const lengths = await Promise.all([1, 2, 3].map(async () => (await read(target, 'a')).length))
    expect(lengths).toEqual([300_000, 300_000, 300_000])
    for await (const chunk of target.get('a')) {
      expect(chunk.length).toBeGreaterThan(0)
      break
    }
  })
}

function checkFailures(check: Check): void {
  check('says that a file is not there', async (target) => {
    await expect(read(target, 'none')).rejects.toMatchObject({ code: 'SNAPSHOT_NOT_FOUND' })
    await expect(read(target, 'none', 5)).rejects.toMatchObject({ code: 'SNAPSHOT_NOT_FOUND' })
  })

  check('a writer that fails leaves nothing, and what was there before', async (target) => {
    const failing = async function* (after: number) {
      for (let i = 0; i < after; i++) yield bytes(i, 1024 * 1024)
      throw new Error('the writer failed')
    }
    await target.put('old', chunks([bytes(7, 100)]))
    for (const after of [0, 1, 12]) {
      await expect(target.put('new', failing(after))).rejects.toThrow('the writer failed')
      await expect(target.put('old', failing(after))).rejects.toThrow('the writer failed')
    }
    expect(await target.list()).toEqual([{ name: 'old', bytes: 100 }])
    expect(Buffer.from(bytes(7, 100)).equals(await read(target, 'old'))).toBe(true)
  })
}

async function* chunks(parts: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* parts
}

function bytes(seed: number, length: number): Uint8Array {
  return new Uint8Array(length).map((_, i) => seed + i * 7)
}

async function read(target: SnapshotTarget, name: string, from?: number): Promise<Buffer> {
  const parts: Uint8Array[] = []
  for await (const chunk of target.get(name, from)) parts.push(chunk)
  return Buffer.concat(parts)
}
