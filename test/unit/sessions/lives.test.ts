// An id that is used again while somebody still holds the tombstone of before: two sessions, and the later one stays.
import { expect, test } from 'vitest'
import * as Y from 'yjs'
import { createDocument, dataOf, initializeSession, isTerminated, terminateSession } from '../../../crdt/index.ts'
import { holder } from '../life/catalogs.ts'

const SOURCE = { origin: 'writer', boot: '01', frameSequence: 1 }
const PURGE_AT = 1_000

function lived(createdAt: number, text: string, end?: { purgeAt: number }): Uint8Array {
  const doc = createDocument('s')
  initializeSession(doc, { createdAt, priority: 'normal', data: { text } })
  if (end !== undefined) terminateSession(doc, createdAt + 1, end)
  return Y.encodeStateAsUpdate(doc)
}

const tombstone = lived(1, 'old', { purgeAt: PURGE_AT })
const later = lived(PURGE_AT + 1, 'new')

async function setUp(hydratedSessionsMax = 10) {
  const succeeded: string[] = []
  const { catalog, store } = await holder({ hydratedSessionsMax, onSucceeded: (session) => succeeded.push(session) })
  const read = async () => {
    const entry = catalog.get('s')
    if (entry === undefined) return undefined
    const doc = await catalog.acquire(entry)
    const shown = isTerminated(doc) ? 'terminated' : dataOf(doc).toJSON()
    catalog.release(entry)
    return shown
  }
  return { catalog, store, read, succeeded }
}

test.each([0, 10])('a tombstone makes way for a session created after it could be forgotten (%i)', async (hydrated) => {
  const { catalog, store, read, succeeded } = await setUp(hydrated)
  catalog.receive('s', tombstone, SOURCE)
  await catalog.settle()
  expect(catalog.receive('s', later, SOURCE)).toBe('logged')
  expect(succeeded).toEqual(['s'])
  expect(catalog.size).toBe(1)
  await catalog.journal.flush()
  expect((await store.read('s'))?.tail.map(({ update }) => update)).toEqual([later])
  expect(await read()).toEqual({ text: 'new' })
})

test.each([0, 10])('a tombstone of before does nothing to it (%i)', async (hydrated) => {
  const { catalog, read } = await setUp(hydrated)
  catalog.receive('s', later, SOURCE)
  await catalog.settle()
  expect(catalog.receiveDiff('s', tombstone, SOURCE)).toBe('known')
  expect(await read()).toEqual({ text: 'new' })
})

test('until somebody has looked at what is here, the tombstone waits', async () => {
  const { catalog, read } = await setUp(0)
  catalog.receive('s', later, SOURCE)
  expect(catalog.receiveDiff('s', tombstone, SOURCE)).toBe('parked')
  expect(await read()).toEqual({ text: 'new' })
})

test('a tombstone that is in use makes way when it no longer is', async () => {
  const { catalog, read } = await setUp()
  catalog.receive('s', tombstone, SOURCE)
  await catalog.journal.flush()
  const entry = catalog.ensure('s')
  await catalog.acquire(entry)
  expect(catalog.receive('s', later, SOURCE)).toBe('parked')
  catalog.release(entry)
  expect(catalog.isSucceededBy(entry, later)).toBe(true)
  expect(catalog.receive('s', later, SOURCE)).toBe('logged')
  expect(await read()).toEqual({ text: 'new' })
})

test('until it could be forgotten the tombstone wins', async () => {
  const { catalog, read } = await setUp()
  catalog.receive('s', tombstone, SOURCE)
  await catalog.settle()
  catalog.receive('s', lived(PURGE_AT, 'too early'), SOURCE)
  expect(await read()).toBe('terminated')
})

test('a session that was created by a clock far ahead does not come back because of that', async () => {
  const { catalog, read } = await setUp()
  const doc = createDocument('s')
  initializeSession(doc, { createdAt: PURGE_AT + 1, priority: 'normal' })
  const alive = Y.encodeStateAsUpdate(doc)
  terminateSession(doc, 2, { purgeAt: PURGE_AT })
  catalog.receive('s', Y.encodeStateAsUpdate(doc), SOURCE)
  await catalog.settle()
  catalog.receiveDiff('s', Y.mergeUpdates([alive, lived(3, 'by another writer')]), SOURCE)
  expect(await read()).toBe('terminated')
})

test('what is written to the new session by others does not hide that it is new', async () => {
  const { catalog, read } = await setUp()
  const doc = createDocument('s')
  Y.applyUpdate(doc, later)
  const before = Y.encodeStateVector(doc)
  dataOf(doc).set('more', 1)
  catalog.receive('s', tombstone, SOURCE)
  await catalog.settle()
  expect(catalog.receive('s', Y.encodeStateAsUpdate(doc, before), SOURCE)).toBe('logged')
  await catalog.settle()
  catalog.receive('s', Y.encodeStateAsUpdate(doc), SOURCE)
  expect(await read()).toEqual({ text: 'new', more: 1 })
})
