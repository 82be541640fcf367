// The journal: one call of the store for what is logged in one go, in order, and nothing believed after a failure.
import { expect, test } from 'vitest'
import { newEntry } from '../../../node/sessions/entry.ts'
import { Journal } from '../../../node/sessions/journal.ts'
import { createMemoryStore } from '../../../node/store/memory.ts'
import { ManualClock } from '../../support/manual-clock.ts'

const SOURCE = { origin: 'writer', boot: '01', frameSequence: 1 }
const update = new Uint8Array([0, 0])

async function setUp() {
  const store = createMemoryStore()
  await store.open()
  const calls: number[] = []
  const counting = {
    ...store,
    append: async (records: Parameters<typeof store.append>[0]) => {
      calls.push(records.length)
      await store.append(records)
    },
    compact: (base: Parameters<typeof store.compact>[0]) => store.compact(base),
    read: (session: string) => store.read(session),
  }
  return { store, calls, journal: new Journal(counting, new ManualClock()) }
}

test('what is logged in one go is one batch', async () => {
  const { store, calls, journal } = await setUp()
  const [one, other] = [newEntry('a', 0), newEntry('b', 0)]
  const promises = [one, other, one].map((entry) => journal.append(entry, update, SOURCE))
  expect(new Set(promises).size).toBe(1)
  expect(journal.isWritten(one)).toBe(false)
  await promises[0]
  expect(journal.isWritten(one)).toBe(true)
  await journal.append(one, update, SOURCE)
  expect(calls).toEqual([3, 1])
  expect((await store.read('a'))?.tail.map(({ sequence }) => sequence)).toEqual([1, 2, 3])
})

test('a base takes the place of records that are on disk, not of those still under way', async () => {
  const { store, journal } = await setUp()
  const entry = newEntry('a', 0)
  void journal.append(entry, update, SOURCE)
  const compacted = journal.compact(entry, update)
  void journal.append(entry, update, SOURCE)
  await Promise.all([compacted, journal.flush()])
  expect(await store.read('a')).toMatchObject({ base: { throughSequence: 1 }, tail: [{ sequence: 2 }] })
  expect(entry.tailRecords).toBe(1)
})

test('after a failure every batch under way rejects, and later ones are refused', async () => {
  const { store, journal } = await setUp()
  store.failNextAppend(new Error('disk on fire'))
  const appended = journal.append(newEntry('a', 0), update, SOURCE)
  await expect(appended).rejects.toThrow('disk on fire')
  await expect(journal.flush()).rejects.toThrow('disk on fire')
  expect(() => journal.assertWritable()).toThrow('read-only')
})
