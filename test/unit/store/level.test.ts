// What the store on disk does beyond the contract: locks, damage, and data that is not its own.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ClassicLevel } from 'classic-level'
import { afterAll, beforeEach, expect, test } from 'vitest'
import type { Store, StoredSummary, StoreReport } from '../../../node/ports/store.ts'
import { createLevelStore } from '../../../node/store/level.ts'
import type { DamagedRecord } from '../../../node/store/quarantine.ts'
import { baseKey, decodeMeta, FORMAT_KEY, indexKey, logKey, metaKey } from '../../../node/store/record.ts'
import { logRecord } from '../../contract/store.contract.ts'
import { FORMAT_1, writeFormat1 } from '../../support/format-1.ts'

const scratch = mkdtempSync(join(tmpdir(), 'sessionmesh-level-'))
afterAll(() => rmSync(scratch, { recursive: true }))
let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(scratch, 's-'))
})

const base = { session: 'a', throughSequence: 1, update: new Uint8Array([8]) }

test('a directory in use is refused by name', async () => {
  await withStore(async () => {
    await expect(createLevelStore({ directory }).open()).rejects.toMatchObject({
      code: 'STORE_LOCKED',
      message: expect.stringContaining(directory),
    })
  })
  await withStore(async () => {})
})

test('a directory that cannot be made is refused by name', async () => {
  writeFileSync(join(directory, 'file'), '')
  await expect(createLevelStore({ directory: join(directory, 'file/below') }).open()).rejects.toMatchObject({
    code: 'STORE_FAILED',
    message: expect.stringContaining('file/below'),
  })
})

test('data of another version, or of no version, is left alone', async () => {
  await withStore((store) => store.append([logRecord('a', 1)]))
  await inDatabase((db) => db.put(FORMAT_KEY, new Uint8Array([3])))
  await expect(createLevelStore({ directory }).open()).rejects.toMatchObject({
    code: 'STORE_FAILED',
    message: expect.stringContaining('data format is 3'),
  })
  await inDatabase((db) => db.del(FORMAT_KEY))
  rmSync(join(directory, 'keystones'), { recursive: true })
  await expect(createLevelStore({ directory }).open()).rejects.toThrow('data format is unknown')
})

test('data of format 1 is taken over, and only its own version opens it from then on', async () => {
  await writeFormat1(directory)
  await withStore(async (store, report) => {
    expect(report).toEqual({ quarantined: 0, damage: [] })
    expect(await idsOf(store)).toEqual(FORMAT_1.sessions)
    expect((await summariesOf(store)).map(({ session }) => session)).toEqual(FORMAT_1.sessions)
    expect(await store.read('basket')).toEqual(FORMAT_1.basket)
    expect(await store.getMeta('identity-seed')).toEqual(FORMAT_1.seed)
    await store.append([logRecord('new', 1)])
  })
  await inDatabase(async (db) => expect([...((await db.get(FORMAT_KEY)) ?? [])]).toEqual([2]))
  await withStore(async (store, report) => {
    expect(report).toEqual({ quarantined: 0, damage: [] })
    expect(await store.read('basket')).toEqual(FORMAT_1.basket)
  })
})

test('damaged records are set aside once, reported, and the rest of the session is served', async () => {
  await withStore((store) => store.append([1, 2, 3].map((n) => logRecord('a', n)).concat(logRecord('b', 1))))
  const damaged = await damage(logKey('a', 1))
  await inDatabase((db) => db.put(Buffer.from('sa\0what'), new Uint8Array([1])))
  const told: DamagedRecord[] = []
  const store = createLevelStore({ directory, onQuarantine: (record) => told.push(record) })
  expect(await store.open()).toEqual({ quarantined: 0, damage: [] })
  // Two readers meet the same damage.
  const [read] = await Promise.all([store.read('a'), store.read('a'), idsOf(store)])
  expect(read?.tail).toEqual([logRecord('a', 2), logRecord('a', 3)])
  expect((await store.read('b'))?.tail).toEqual([logRecord('b', 1)])
  await store.close()
  expect(told.map(({ session }) => session)).toEqual(['a', undefined])
  expect(quarantined()).toEqual([
    { session: 'a', key: Buffer.from(logKey('a', 1)).toString('base64'), value: damaged.toString('base64') },
    { key: Buffer.from('sa\0what').toString('base64'), value: 'AQ==' },
  ])
  await withStore(async (_, report) => expect(report).toEqual({ quarantined: 2, damage: [] }))
})

test('summaries outlive a restart, and none of them the damage of the database', async () => {
  const summary = new Uint8Array([7])
  await withStore(async (store) => {
    await store.append([logRecord('a', 1), logRecord('b', 1), logRecord('c', 1)])
    await store.putSummaries(['a', 'b'].map((session) => ({ session, summary })))
    await store.append([logRecord('b', 2)])
  })
  const listed = [
    { session: 'a', summary },
    { session: 'b', summary: undefined },
    { session: 'c', summary: undefined },
  ]
  await withStore(async (store) => expect(await summariesOf(store)).toEqual(listed))
  await damage(indexKey('a'))
  await withStore(async (store) => expect((await summariesOf(store))[0]).toEqual({ session: 'a', summary: undefined }))
  await withStore((store) => store.putSummaries([{ session: 'c', summary }]))
  rmSync(join(directory, 'db/CURRENT'))
  await withStore(async (store, report) => {
    expect(report.damage).not.toEqual([])
    expect(await summariesOf(store)).toEqual(['a', 'b', 'c'].map((session) => ({ session, summary: undefined })))
  })
})

test('a session of which all is damaged is as if it were unknown', async () => {
  await withStore((store) => store.append([logRecord('a', 1), logRecord('b', 1)]))
  await damage(logKey('a', 1))
  await withStore(async (store) => {
    expect(await idsOf(store)).toEqual(['b'])
    expect(await store.read('a')).toBeUndefined()
    await store.append([logRecord('a', 1)])
    expect((await store.read('a'))?.tail).toEqual([logRecord('a', 1)])
  })
})

test('a good record that takes the place of a damaged one is not set aside in its stead', async () => {
  await withStore((store) => store.compact(base))
  await damage(baseKey('a'))
  await withStore(async (store) => {
    // The reader has seen the damage before the new base is written, and acts on it afterwards.
    const reading = store.read('a')
    await Promise.all([reading, store.compact({ ...base, throughSequence: 2 })])
    expect(await store.read('a')).toEqual({ base: { ...base, throughSequence: 2 }, tail: [] })
  })
})

test('nor is one that was replaced while the reader was busy with sessions before it', async () => {
  const newer = { session: 'c', throughSequence: 2, update: new Uint8Array([9]) }
  await withStore((store) => Promise.all(['a', 'b', 'c'].map((session) => store.compact({ ...base, session }))))
  await damage(baseKey('c'))
  await withStore(async (store) => {
    for await (const { session } of store.sessions()) if (session === 'a') await store.compact(newer)
    expect(await store.read('c')).toEqual({ base: newer, tail: [] })
  })
})

test('a record that cannot be written fails its own call alone', async () => {
  await withStore(async (store) => {
    await expect(store.append([logRecord('a', -1)])).rejects.toThrow('log sequence -1')
    await store.append([logRecord('a', 1)])
  })
})

test('a value of the peer itself outlives damage to the database, and the loss of it', async () => {
  const seed = new Uint8Array([1, 2, 3])
  await withStore((store) => store.putMeta('seed', seed))
  await damage(metaKey('seed'))
  await withStore(async (store) => expect(await store.getMeta('seed')).toEqual(seed))
  await inDatabase(async (db) =>
    expect(decodeMeta(metaKey('seed'), (await db.get(metaKey('seed'))) ?? new Uint8Array())).toEqual(seed),
  )
  rmSync(join(directory, 'db'), { recursive: true })
  await withStore(async (store, report) => {
    expect(report.damage).toContain('the database was gone: this peer starts from nothing')
    expect(await store.getMeta('seed')).toEqual(seed)
  })
})

test('a damaged value of the peer itself is an error, never another value', async () => {
  await withStore((store) => store.putMeta('seed', new Uint8Array([1, 2, 3])))
  await damage(metaKey('seed'))
  writeFileSync(join(directory, 'keystones/seed.value'), 'nonsense')
  await withStore(async (store) => {
    await expect(store.getMeta('seed')).rejects.toMatchObject({
      code: 'STORE_CORRUPT',
      message: expect.stringContaining('seed is damaged'),
    })
  })
})

test('a quarantine that cannot be written fails the store for writes, not for reads', async () => {
  await withStore((store) => store.append([logRecord('a', 1), logRecord('a', 2)]))
  await damage(logKey('a', 1))
  await withStore(async (store) => {
    mkdirSync(join(directory, 'quarantine.jsonl'))
    expect((await store.read('a'))?.tail).toEqual([logRecord('a', 2)])
    await expect(store.append([logRecord('a', 3)])).rejects.toMatchObject({ code: 'STORE_FAILED' })
    await expect(store.putMeta('key', new Uint8Array())).rejects.toMatchObject({ code: 'STORE_FAILED' })
    expect((await store.read('a'))?.tail).toEqual([logRecord('a', 2)])
  })
})

test('closing under a reader ends it with an error and no harm', async () => {
  await withStore((store) => store.append(Array.from({ length: 2_000 }, (_, i) => logRecord(`s${i}`, 1))))
  const store = createLevelStore({ directory })
  await store.open()
  const sessions = store.sessions()[Symbol.asyncIterator]()
  await sessions.next()
  await store.close()
  const rest = async () => {
    for (let next = await sessions.next(); !next.done; next = await sessions.next());
  }
  await expect(rest()).rejects.toMatchObject({ code: 'STORE_FAILED', message: expect.stringContaining('not open') })
  await withStore((again) => again.append([logRecord('a', 1)]))
})

async function withStore(body: (store: Store, report: StoreReport) => Promise<unknown>): Promise<void> {
  const store = createLevelStore({ directory })
  const report = await store.open()
  try {
    await body(store, report)
  } finally {
    await store.close()
  }
}

async function inDatabase(body: (db: ClassicLevel<Uint8Array, Uint8Array>) => Promise<void>): Promise<void> {
  const options = { keyEncoding: 'view', valueEncoding: 'view' }
  const db = new ClassicLevel<Uint8Array, Uint8Array>(join(directory, 'db'), options)
  await body(db)
  await db.close()
}

/** Flips bits in one value; returns what stands there now. */
async function damage(key: Uint8Array): Promise<Buffer> {
  let damaged = Buffer.alloc(0)
  await inDatabase(async (db) => {
    const value = (await db.get(key)) ?? new Uint8Array()
    damaged = Buffer.from(value.with(3, 255 - (value[3] ?? 0)))
    await db.put(key, damaged)
  })
  return damaged
}

function quarantined(): unknown[] {
  const lines = readFileSync(join(directory, 'quarantine.jsonl'), 'utf8').trim().split('\n')
  return lines.map((line): unknown => JSON.parse(line))
}

async function idsOf(store: Store): Promise<string[]> {
  const ids: string[] = []
  for await (const { session } of store.sessions()) ids.push(session)
  return ids
}

async function summariesOf(store: Store): Promise<StoredSummary[]> {
  const all: StoredSummary[] = []
  for await (const summaries of store.summaries()) all.push(...summaries)
  return all
}
