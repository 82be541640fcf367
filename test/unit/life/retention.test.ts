// What becomes of tombstones: history first, then the hash tree, then all of it; on every peer, whatever its clock says
// within reason, and never back.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { describeSession, initializeSession, terminateSession, type HashTree } from '../../../crdt/index.ts'
import { Retention } from '../../../node/life/retention.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { change, exchangeBetween, holder, type Holder } from './catalogs.ts'

const RETENTION_MS = 100_000
const SKEW_MS = 2_000
const HISTORY_MS = 30_000
/** How long a faded tombstone stays. */
const FADE_MS = 10 * SKEW_MS

interface Keeper extends Holder {
  readonly retention: Retention
  readonly forgotten: string[]
}

async function keeper(skewMs = 0): Promise<Keeper> {
  const clock = new ManualClock()
  clock.advance(1_000_000 + skewMs)
  const forgotten: string[] = []
  const late: { retention?: Retention } = {}
  const held = await holder({ onDescribed: (entry) => late.retention?.note(entry) }, clock)
  const retention = new Retention({
    clock,
    store: held.store,
    catalog: () => held.catalog,
    tombstoneRetentionMs: RETENTION_MS,
    terminatedHistoryMs: HISTORY_MS,
    clockSkewMaxMs: SKEW_MS,
    returnPatienceMs: 0,
    onForgotten: (session) => forgotten.push(session),
    onError: (error) => {
      throw error
    },
  })
  late.retention = retention
  retention.start()
  return { ...held, retention, forgotten }
}

async function create(of: Keeper, id: string): Promise<void> {
  await change(of, id, (doc, now) => initializeSession(doc, { createdAt: now, priority: 'normal', data: { n: 1 } }))
}

async function terminate(of: Keeper, id: string): Promise<void> {
  await change(of, id, (doc, now) => terminateSession(doc, now, { purgeAt: of.retention.purgeAt(now) }))
}

async function pass(keepers: readonly Keeper[], ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 1_000) {
    for (const { clock } of keepers) clock.advance(Math.min(1_000, left))
    for (let turn = 0; turn < 60; turn++) await Promise.resolve()
  }
}

const leaves = (tree: HashTree) => tree.leaves('').map(({ session }) => session)

test('a tombstone loses its history, then its place in the tree, then is forgotten; others stay', async () => {
  const one = await keeper()
  for (const id of ['s', 'other']) await create(one, id)
  await change(one, 's', (doc) => doc.getText('t').insert(0, 'secret'))
  await terminate(one, 's')
  await one.catalog.settle()
  const entry = one.catalog.get('s')
  await pass([one], HISTORY_MS - 1_000)
  expect((await one.store.read('s'))?.tail).toHaveLength(3)
  await pass([one], 2_000)
  const stripped = await one.store.read('s')
  expect(stripped?.tail).toHaveLength(0)
  expect(Buffer.from(stripped?.base?.update ?? []).includes('secret')).toBe(false)
  await pass([one], RETENTION_MS - HISTORY_MS - 2_000)
  expect(leaves(one.catalog.tree(0))).toContain('s')
  await pass([one], 2_000)
  expect(leaves(one.catalog.tree(0))).toEqual(['other'])
  expect(one.catalog.get('s')).toBe(entry)
  await pass([one], FADE_MS - 3_000)
  expect(one.forgotten).toEqual([])
  await pass([one], 4_000)
  expect(one.forgotten).toEqual(['s'])
  expect([one.catalog.get('s'), await one.store.read('s')]).toEqual([undefined, undefined])
  expect([one.catalog.size, one.catalog.held]).toEqual([1, 1])
  expect(await one.store.read('other')).toBeDefined()
})

test('a faded tombstone still answers whoever was away, and its late writes lose', async () => {
  const [one, away] = [await keeper(), await keeper()]
  await create(one, 's')
  await exchangeBetween(one, away)
  await terminate(one, 's')
  await pass([one, away], RETENTION_MS + 2_000)
  expect(leaves(one.catalog.tree(0))).toEqual([])
  await change(away, 's', (doc) => doc.getMap('data').set('late', 1))
  expect(await exchangeBetween(one, away)).toEqual(['s'])
  for (const each of [one, away]) {
    await change(each, 's', (doc) => expect(describeSession(doc).terminatedAt).toBeDefined())
  }
  await pass([one, away], FADE_MS + 3_000)
  expect([one.forgotten, away.forgotten]).toEqual([['s'], ['s']])
})

test('a tombstone in use is forgotten when it no longer is', async () => {
  const one = await keeper()
  await create(one, 's')
  await terminate(one, 's')
  const entry = one.catalog.ensure('s')
  await one.catalog.acquire(entry)
  await pass([one], RETENTION_MS + FADE_MS + 40_000)
  expect(one.forgotten).toEqual([])
  one.catalog.release(entry)
  await pass([one], 3_000)
  expect(one.forgotten).toEqual(['s'])
})

test('one that says nothing of its end is kept as long as the others', async () => {
  const one = await keeper()
  await create(one, 's')
  await change(one, 's', (doc, now) => terminateSession(doc, now))
  await pass([one], RETENTION_MS + FADE_MS - 2_000)
  expect(one.forgotten).toEqual([])
  await pass([one], 3_000)
  expect(one.forgotten).toEqual(['s'])
})

test('however clocks differ within the margin and whenever peers compare, all forget, and nothing comes back', async () => {
  const moments = fc.array(fc.integer({ min: 1, max: 20_000 }), { minLength: 5, maxLength: 12 })
  const skews = fc.tuple(fc.integer({ min: 0, max: SKEW_MS }), fc.integer({ min: 0, max: SKEW_MS }))
  const property = fc.asyncProperty(skews, moments, async ([skew, otherSkew], pauses) => {
    const keepers = [await keeper(skew), await keeper(otherSkew)]
    const [one, other] = keepers
    if (one === undefined || other === undefined) return
    for (const id of ['s', 'kept']) await create(one, id)
    await exchangeBetween(one, other)
    await terminate(one, 's')
    await exchangeBetween(one, other)
    await pass(keepers, RETENTION_MS - 10_000)
    for (const pause of pauses) {
      await pass(keepers, pause)
      await exchangeBetween(one, other)
    }
    await pass(keepers, FADE_MS + 20_000)
    expect(await exchangeBetween(one, other)).toEqual([])
    for (const each of keepers) {
      expect(each.forgotten).toEqual(['s'])
      expect(leaves(each.catalog.tree(0))).toEqual(['kept'])
      expect(each.catalog.held).toBe(1)
    }
  })
  await fc.assert(property, { numRuns: 25 })
})

test('purge says first and then does what is due, history of young tombstones included', async () => {
  const one = await keeper()
  for (const id of ['old', 'young', 'alive']) await create(one, id)
  await terminate(one, 'old')
  await pass([one], 1_000)
  await terminate(one, 'young')
  const before = await one.store.read('young')
  const shown = await one.retention.purge({ dryRun: true })
  expect(shown).toMatchObject({ dryRun: true, tombstones: 2, stripped: 2, forgotten: 0, bytesAfter: null })
  expect(await one.store.read('young')).toEqual(before)
  const purging = one.retention.purge()
  await pass([one], 5_000)
  expect(await purging).toMatchObject({ dryRun: false, tombstones: 2, stripped: 2, forgotten: 0, busy: 0 })
  expect((await one.store.read('young'))?.tail).toEqual([])
  expect((await one.store.read('alive'))?.tail).toHaveLength(1)
})

test('a session that comes back under a forgotten id is written under another client id', async () => {
  const one = await keeper()
  const ids: number[] = []
  await create(one, 's')
  await change(one, 's', (doc) => ids.push(doc.clientID))
  await terminate(one, 's')
  await pass([one], RETENTION_MS + FADE_MS + 2_000)
  expect(one.forgotten).toEqual(['s'])
  await create(one, 's')
  await change(one, 's', (doc) => ids.push(doc.clientID))
  expect(new Set(ids).size).toBe(2)
})
