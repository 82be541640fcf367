// Where updates go: onto the disk at once, into a document when somebody looks, and never past either.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import * as Y from 'yjs'
import { createDocument, dataOf, digestOf, initializeSession, terminateSession } from '../../../crdt/index.ts'
import { Catalog, type CatalogOptions } from '../../../node/sessions/catalog.ts'
import { ClientIds } from '../../../node/sessions/client-ids.ts'
import type { Entry } from '../../../node/sessions/entry.ts'
import { createMemoryStore } from '../../../node/store/memory.ts'
import { ManualClock } from '../../support/manual-clock.ts'

const SOURCE = { origin: 'writer', boot: '01', frameSequence: 1 }

async function setUp(options: Partial<CatalogOptions> = {}) {
  let drawn = 7
  const store = createMemoryStore()
  await store.open()
  const locals: Uint8Array[] = []
  const catalog = new Catalog({
    store,
    clock: new ManualClock(),
    shardCount: 1,
    hydratedSessionsMax: 10,
    updateBytesMax: 1 << 20,
    sessionBytesMax: 1 << 20,
    historyRecordsMax: 100,
    historyBytesMax: 1 << 20,
    newClientId: () => drawn++,
    self: { origin: 'self', boot: '02', frameSequence: 0 },
    onLocalUpdate: (_entry, update) => locals.push(update),
    onChanged: () => {},
    onSucceeded: () => {},
    onDescribed: () => {},
    onError: (error) => {
      throw error
    },
    ...options,
  })
  return { store, catalog, locals }
}

/** A session that is written to elsewhere, and the updates so far. */
function writer() {
  const doc = createDocument('s')
  const updates: Uint8Array[] = []
  doc.on('update', (update: Uint8Array) => updates.push(update))
  initializeSession(doc, { createdAt: 1, priority: 'high', data: { n: 0 } })
  return { doc, updates }
}

function entryOf(catalog: Catalog): Entry {
  const entry = catalog.get('s')
  if (entry === undefined) throw new Error('unknown')
  return entry
}

const tailOf = async (store: { read: (id: string) => Promise<{ tail: readonly unknown[] } | undefined> }) =>
  (await store.read('s'))?.tail.length

test('what comes for an idle document is logged at once, and is there for whoever looks', async () => {
  const { store, catalog } = await setUp()
  const { doc, updates } = writer()
  for (let n = 1; n <= 5; n++) dataOf(doc).set('n', n)
  for (const update of updates) expect(catalog.receive('s', update, SOURCE)).toBe('logged')
  await catalog.journal.flush()
  expect(await tailOf(store)).toBe(6)
  const entry = entryOf(catalog)
  expect(entry.priority).toBe('high')
  expect(Y.decodeStateVector(catalog.stateVectorBytes('s'))).toEqual(Y.decodeStateVector(Y.encodeStateVector(doc)))
  const held = await catalog.acquire(entry)
  expect(dataOf(held).toJSON()).toEqual({ n: 5 })
  await catalog.settle()
  expect(catalog.tree(0).get('s')).toEqual(digestOf(doc))
})

test('a document in use takes an update up at once, and one that it has is not logged again', async () => {
  const { store, catalog, locals } = await setUp()
  const { doc, updates } = writer()
  for (const update of updates) catalog.receive('s', update, SOURCE)
  const held = await catalog.acquire(entryOf(catalog))
  dataOf(doc).set('n', 1)
  expect(catalog.receive('s', updates.at(-1) ?? new Uint8Array(), SOURCE)).toBe('logged')
  expect(dataOf(held).get('n')).toBe(1)
  expect(catalog.receive('s', updates.at(-1) ?? new Uint8Array(), SOURCE)).toBe('known')
  expect(locals).toEqual([])
  dataOf(held).set('n', 2)
  expect(locals).toHaveLength(1)
  await catalog.journal.flush()
  expect(await tailOf(store)).toBe(3)
})

test('an exchange is told whether what it brought was known, also by an idle document', async () => {
  const { catalog } = await setUp()
  const { doc } = writer()
  dataOf(doc).set('n', 1)
  expect(catalog.receiveDiff('s', Y.encodeStateAsUpdate(doc), SOURCE)).toBe('logged')
  expect(catalog.receiveDiff('s', Y.encodeStateAsUpdate(doc), SOURCE)).toBe('known')
})

test('a document read while the peer stops has what was still on its way to the disk', async () => {
  const { store, catalog } = await setUp({ hydratedSessionsMax: 0 })
  const { updates } = writer()
  for (const update of updates) catalog.receive('s', update, SOURCE)
  const finishWriting = store.fill()
  void catalog.journal.close()
  const reading = catalog.acquire(entryOf(catalog))
  await expect(catalog.journal.flush()).rejects.toThrow('the peer is stopping')
  finishWriting()
  expect(dataOf(await reading).toJSON()).toEqual({ n: 0 })
})

test('who ends a session is believed before anybody looks at the document', async () => {
  const { catalog } = await setUp()
  const { doc, updates } = writer()
  for (const update of updates.splice(0)) catalog.receive('s', update, SOURCE)
  expect(catalog.size).toBe(1)
  terminateSession(doc, 9)
  for (const update of updates) catalog.receive('s', update, SOURCE)
  expect({ size: catalog.size, at: entryOf(catalog).terminatedAt }).toEqual({ size: 0, at: 9 })
})

test('what brings nothing of a session that is not here leaves nothing behind', async () => {
  const { catalog } = await setUp()
  catalog.receiveDiff('s', Y.encodeStateAsUpdate(new Y.Doc()), SOURCE)
  expect([catalog.get('s'), catalog.size]).toEqual([undefined, 0])
})

test('the end of a session without document shows with its digest', async () => {
  const { catalog } = await setUp({ hydratedSessionsMax: 0 })
  const { doc, updates } = writer()
  for (const update of updates.splice(0)) catalog.receive('s', update, SOURCE)
  terminateSession(doc, 9)
  for (const update of updates) catalog.receive('s', update, SOURCE)
  await catalog.settle()
  expect(entryOf(catalog).terminatedAt).toBe(9)
})

test('a document read from disk has also what was still on its way there, and what came meanwhile', async () => {
  const { catalog } = await setUp({ hydratedSessionsMax: 0 })
  const { doc, updates } = writer()
  for (const update of updates.splice(0)) catalog.receive('s', update, SOURCE)
  await catalog.journal.flush()
  dataOf(doc).set('n', 1)
  for (const update of updates.splice(0)) catalog.receive('s', update, SOURCE)
  const acquired = catalog.acquire(entryOf(catalog))
  dataOf(doc).set('n', 2)
  for (const update of updates.splice(0)) catalog.receive('s', update, SOURCE)
  expect(dataOf(await acquired).toJSON()).toEqual({ n: 2 })
})

test('whatever comes in between, the document ends as the log would make it', async () => {
  const steps = fc.array(fc.constantFrom('write', 'take', 'take twice', 'look', 'edit', 'settle'), { maxLength: 40 })
  const property = fc.asyncProperty(steps, fc.constantFrom(0, 1, 10), async (plan, hydratedSessionsMax) => {
    const { store, catalog } = await setUp({ hydratedSessionsMax })
    const { doc, updates } = writer()
    let n = 0
    for (const update of updates.splice(0)) catalog.receive('s', update, SOURCE)
    for (const step of plan) {
      if (step === 'write') dataOf(doc).set('n', ++n)
      if (step.startsWith('take')) {
        const taken = updates.splice(0)
        for (const update of step === 'take' ? taken : [...taken, ...taken]) catalog.receive('s', update, SOURCE)
      }
      if (step === 'settle') await catalog.settle()
      if (step !== 'look' && step !== 'edit') continue
      const held = await catalog.acquire(entryOf(catalog))
      expect(dataOf(held).get('n')).toBeTypeOf('number')
      if (step === 'edit') dataOf(held).set('here', ++n)
      catalog.release(entryOf(catalog))
    }
    for (const update of updates) catalog.receive('s', update, SOURCE)
    await catalog.settle()
    await catalog.journal.flush()
    const stored = await store.read('s')
    const replayed = createDocument('s')
    for (const record of stored?.tail ?? []) Y.applyUpdate(replayed, record.update)
    expect(catalog.tree(0).get('s')).toEqual(digestOf(replayed))
    expect(dataOf(replayed).get('n')).toBe(dataOf(doc).get('n'))
  })
  await fc.assert(property, { numRuns: 200 })
})

test('a forgotten session is gone from memory, tree and disk', async () => {
  const { catalog, store } = await setUp()
  const entry = catalog.ensure('s')
  dataOf(await catalog.acquire(entry)).set('x', 1)
  catalog.release(entry)
  await catalog.settle()
  await catalog.journal.flush()
  await catalog.forget(entry)
  expect(catalog.get('s')).toBeUndefined()
  expect(catalog.entriesOf(entry.shard).size).toBe(0)
  expect(catalog.tree(entry.shard).root()).toEqual(new Uint8Array(16))
  expect(catalog.size).toBe(0)
  expect(await store.read('s')).toBeUndefined()
})

test('a session that came back lacking what this boot wrote last gets another client id', async () => {
  const { catalog } = await setUp()
  const entry = catalog.ensure('s')
  const doc = await catalog.acquire(entry)
  const elsewhere = new Y.Doc()
  doc.getText('t').insert(0, 'one')
  Y.applyUpdate(elsewhere, Y.encodeStateAsUpdate(doc))
  doc.getText('t').insert(3, ' two')
  const written = Y.encodeStateAsUpdate(doc)
  catalog.release(entry)
  await catalog.journal.flush()
  await catalog.forget(entry)
  // It comes back from somebody who had not heard the last of it, and is written to; then the rest comes.
  catalog.receive('s', Y.encodeStateAsUpdate(elsewhere), SOURCE)
  const back = await catalog.acquire(entryOf(catalog))
  back.getText('t').insert(3, ' three')
  catalog.receive('s', written, SOURCE)
  Y.applyUpdate(elsewhere, written)
  Y.applyUpdate(elsewhere, Y.encodeStateAsUpdate(back))
  const text = back.getText('t').toJSON()
  expect(text).toContain(' two')
  expect(text).toContain(' three')
  expect(elsewhere.getText('t').toJSON()).toBe(text)
})

test('what is in use, or on its way to the disk, is not forgotten', async () => {
  const { catalog } = await setUp()
  const entry = catalog.ensure('s')
  const doc = await catalog.acquire(entry)
  expect(catalog.isIdle(entry)).toBe(false)
  dataOf(doc).set('x', 1)
  catalog.release(entry)
  expect(catalog.isIdle(entry)).toBe(false)
  await expect(catalog.forget(entry)).rejects.toThrow('invariant')
  await catalog.journal.flush()
  expect(catalog.isIdle(entry)).toBe(true)
})

test('client ids are remembered for a bounded number of sessions, and never come back', () => {
  let drawn = 0
  const ids = new ClientIds(() => drawn++)
  expect(ids.for('a')).toBe(ids.for('b'))
  const before = ids.for('a')
  for (let i = 0; i <= 10_000; i++) ids.retire(`s${i}`)
  expect(ids.for('s0')).not.toBe(before)
  expect(ids.for('s0')).toBe(ids.for('b'))
})
