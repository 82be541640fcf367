// The past of a session: rebuilt from the log at any time it reaches, told in words, and gone back to.
import { afterEach, expect, test } from 'vitest'
import type { RebuiltSession } from '../../../node/api.ts'
import type { PeerOptions } from '../../../node/config.ts'
import type { MeshPeer } from '../../../node/peer.ts'
import { createMemoryTarget } from '../../../node/snapshots/memory-target.ts'
import { eventuallyAsync, startMemoryMesh, type MemoryMesh } from '../../support/memory-mesh.ts'
import { after, waitFor } from '../../support/wait.ts'

const running: MemoryMesh[] = []

afterEach(async () => {
  await Promise.all(running.splice(0).map((mesh) => mesh.stop()))
})

async function start(count: number, options: PeerOptions = {}): Promise<MeshPeer[]> {
  const settings = { snapshotIntervalMs: 0, durability: 'local' as const, ...options }
  const mesh = await startMemoryMesh(count, settings, { snapshotTarget: createMemoryTarget() })
  running.push(mesh)
  return [...mesh.peers]
}

async function one(options: PeerOptions = {}): Promise<MeshPeer> {
  const [peer] = await start(1, options)
  if (peer === undefined) throw new Error('no peer')
  return peer
}

/** Sets a key, and says at which time it was so. */
async function set(peer: MeshPeer, id: string, key: string, value: unknown): Promise<number> {
  const session = await peer.sessions.openOrCreate(id)
  await session.set(key, value)
  session.close()
  const { entries } = await peer.reconstruction.history(id, { limit: 1 })
  await after(2) // times are of milliseconds: the next change is to have another
  return entries[0]?.at ?? Number.NaN
}

const dataAt = async (peer: MeshPeer, id: string, at?: number): Promise<unknown> =>
  (await peer.reconstruction.rebuildFromLog(id, at === undefined ? {} : { at })).data

test('the log gives the session at its end, and at every time before', async () => {
  const peer = await one()
  const times: number[] = []
  for (let i = 0; i < 10; i++) times.push(await set(peer, 's', 'n', i))
  expect(await dataAt(peer, 's')).toEqual({ n: 9 })
  for (const [i, at] of times.entries()) {
    expect(await dataAt(peer, 's', at)).toEqual({ n: i })
    expect(await dataAt(peer, 's', at + 0.5)).toEqual({ n: i })
  }
  const rebuilt: RebuiltSession = await peer.reconstruction.rebuildFromLog('s')
  expect(rebuilt).toMatchObject({ oldest: null, records: 11, at: times[9], terminated: false })
  expect(rebuilt.digest).toBe((await peer.sessions.get('s')).digest)
  expect(await peer.reconstruction.verify('s')).toMatchObject({ equal: true, live: rebuilt.digest, records: 11 })
})

test('a time before the session, before the log, and a session nobody has are told apart', async () => {
  const peer = await one({ historyRecordsMax: 10 })
  const first = await set(peer, 's', 'n', 0)
  await expect(dataAt(peer, 's', first - 60_000)).rejects.toMatchObject({ code: 'SESSION_NOT_FOUND' })
  await expect(dataAt(peer, 'none')).rejects.toMatchObject({ code: 'SESSION_NOT_FOUND' })
  for (let i = 1; i < 30; i++) await set(peer, 's', 'n', i)
  const { oldest } = await peer.reconstruction.history('s')
  expect(oldest).toBeGreaterThan(first)
  const failed = dataAt(peer, 's', first)
  await expect(failed).rejects.toMatchObject({ code: 'HISTORY_GONE' })
  await expect(failed).rejects.toThrow(new Date(oldest ?? 0).toISOString())
  expect(await dataAt(peer, 's', oldest ?? 0)).toMatchObject({ n: expect.any(Number) })
  expect(await dataAt(peer, 's')).toEqual({ n: 29 })
})

test('the log is bounded by records and by bytes, and what is folded is not lost', async () => {
  const peer = await one({ historyRecordsMax: 40, historyBytesMax: 4_000 })
  const tail = async (id: string) => (await peer.reconstruction.history(id, { limit: 10_000 })).entries.length
  for (let i = 0; i < 200; i++) await set(peer, 'many', `k${i % 50}`, i)
  for (let i = 0; i < 30; i++) await set(peer, 'large', 'text', `${i} ${'x'.repeat(500)}`)
  await eventuallyAsync('the logs to be folded', async () => (await tail('many')) <= 40 && (await tail('large')) <= 12)
  expect(await peer.reconstruction.verify('many')).toMatchObject({ equal: true })
  expect(Object.keys((await dataAt(peer, 'many')) as object)).toHaveLength(50)
  expect(await peer.reconstruction.verify('large')).toMatchObject({ equal: true })
})

test('history is kept until it is older than the last two snapshots', async () => {
  const peer = await one({ snapshotIntervalMs: 20 })
  const first = await set(peer, 's', 'n', 0)
  for (let i = 1; i < 40; i++) await set(peer, 's', 'n', i)
  const reached = await waitFor(
    async () => {
      await set(peer, 's', 'later', Math.round(first))
      return (await peer.reconstruction.history('s')).oldest
    },
    { timeoutMs: 20_000, what: 'the first records to be folded' },
  )
  expect(reached).toBeGreaterThan(first)
  const hint = dataAt(peer, 's', first)
  await expect(hint).rejects.toMatchObject({ code: 'HISTORY_GONE' })
  expect(await peer.reconstruction.verify('s')).toMatchObject({ equal: true })
})

test('history says who wrote what, and how it came', async () => {
  const [a, b] = await start(2, { durability: 2 })
  if (a === undefined || b === undefined) throw new Error('no peers')
  await set(a, 's', 'n', 1)
  await set(b, 's', 'n', 2)
  const text = await a.sessions.open('s')
  await text.transact((doc) => doc.getText('note').insert(0, 'hello'))
  await text.delete('n')
  text.close()
  const { entries } = await a.reconstruction.history('s')
  const told = entries.map(({ name, via, changes }) => [name, via, changes.map((change) => change.text).at(-1)])
  expect(told.slice(1)).toEqual([
    ['a', 'local', 'data.n set to 1'],
    ['b', 'frame', 'data.n: 1 → 2'],
    ['a', 'local', 'note: "hello" inserted at 0'],
    ['a', 'local', 'data.n deleted (was 2)'],
  ])
  expect(entries[0]?.changes.map(({ path }) => path)).toContain('$session.priority')
  expect((await a.reconstruction.history('s', { limit: 2 })).entries).toEqual(entries.slice(-2))
})

test('going back is a new change that replicas get, and can be gone back from', async () => {
  const [a, b] = await start(2, { durability: 2 })
  if (a === undefined || b === undefined) throw new Error('no peers')
  const before = await set(a, 's', 'n', 'before')
  await set(a, 's', 'n', 'after')
  const later = await set(a, 's', 'm', 'after')
  const receipt = await a.reconstruction.revert('s', { at: before })
  expect(receipt).toMatchObject({ session: 's', copies: 2 })
  expect((await b.sessions.get('s')).data).toEqual({ n: 'before' })
  await a.reconstruction.revert('s', { at: later })
  expect((await b.sessions.get('s')).data).toEqual({ n: 'after', m: 'after' })
  await expect(a.reconstruction.revert('s', {})).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
})

test('a snapshot reaches further back than the log', async () => {
  const peer = await one()
  await set(peer, 's', 'n', 'old')
  const { id } = await peer.snapshots.create()
  await peer.snapshots.persist(id)
  await set(peer, 's', 'n', 'new')
  const rebuilt = await peer.reconstruction.rebuildFromLog('s', { snapshot: id })
  expect(rebuilt).toMatchObject({ data: { n: 'old' }, at: (await peer.snapshots.list())[0]?.at })
  await peer.reconstruction.revert('s', { snapshot: id })
  expect((await peer.sessions.get('s')).data).toEqual({ n: 'old' })
  await expect(peer.reconstruction.rebuildFromLog('x', { snapshot: id })).rejects.toMatchObject({
    code: 'SESSION_NOT_FOUND',
  })
})
