// Snapshots of a running peer: what a view shows, how increments follow one another, and what restoring does.
import { afterEach, expect, test } from 'vitest'
import type { PeerOptions } from '../../../node/config.ts'
import type { MeshPeer } from '../../../node/peer.ts'
import { createMemoryTarget, type MemoryTarget } from '../../../node/snapshots/memory-target.ts'
import { eventuallyAsync, startMemoryMesh, type MemoryMesh } from '../../support/memory-mesh.ts'
import { after } from '../../support/wait.ts'

const running: MemoryMesh[] = []

afterEach(async () => {
  await Promise.all(running.splice(0).map((mesh) => mesh.stop()))
})

async function start(count: number, target: MemoryTarget, options: PeerOptions = {}): Promise<MemoryMesh> {
  const settings = { snapshotIntervalMs: 0, durability: 'local' as const, ...options }
  const mesh = await startMemoryMesh(count, settings, { snapshotTarget: target })
  running.push(mesh)
  return mesh
}

async function startOne(target: MemoryTarget, options: PeerOptions = {}): Promise<MeshPeer> {
  const [peer] = (await start(1, target, options)).peers
  if (peer === undefined) throw new Error('no peer')
  return peer
}

async function put(peer: MeshPeer, id: string, key: string, value: unknown): Promise<void> {
  const session = await peer.sessions.openOrCreate(id)
  await session.set(key, value)
  session.close()
}

async function take(peer: MeshPeer, kind: 'base' | 'auto' = 'base'): Promise<string> {
  const { id } = await peer.snapshots.create({ kind })
  await peer.snapshots.persist(id)
  return id
}

const data = async (peer: MeshPeer, id: string): Promise<unknown> => (await peer.sessions.get(id)).data

test('a snapshot holds what there was when its view was taken, and nothing that came before it was written', async () => {
  const peer = await startOne(createMemoryTarget())
  for (let i = 0; i < 100; i++) await put(peer, `s${i}`, 'n', i)
  await peer.sessions.terminate('s7')
  const before = await peer.sessions.contentHash()
  const view = await peer.snapshots.create()
  expect(view).toMatchObject({ kind: 'base', parent: null, sessions: 99 })
  await put(peer, 's1', 'n', 'later')
  await put(peer, 'later', 'n', 1)
  await peer.sessions.terminate('s2')
  const info = await peer.snapshots.persist(view.id)
  expect(info).toMatchObject({ id: view.id, own: true, sessions: 100, terminated: 1, hash: before.hash, damage: null })
  const verified = await peer.snapshots.verify(view.id)
  expect(verified).toMatchObject({ chain: [view.id], sessions: 100, terminated: 1, hash: before.hash })
})

test('restored into an empty peer it is exactly that, to the hash', async () => {
  const target = createMemoryTarget()
  const peer = await startOne(target)
  for (let i = 0; i < 300; i++) await put(peer, `s${i}`, 'n', i)
  await peer.sessions.terminate('s7')
  const id = await take(peer)
  const before = await peer.sessions.contentHash()
  await put(peer, 's1', 'n', 'later')

  const empty = await startOne(target)
  const progress: number[] = []
  const report = await empty.snapshots.restore(id, { onProgress: ({ done, total }) => progress.push(done / total) })
  expect(report).toMatchObject({ sessions: 300, created: 300, merged: 0, unchanged: 0, refused: 0, hash: before.hash })
  expect(await empty.sessions.contentHash()).toEqual(before)
  expect(await data(empty, 's1')).toEqual({ n: 1 })
  await expect(empty.sessions.get('s7')).rejects.toMatchObject({ code: 'SESSION_TERMINATED' })
  expect(progress.at(-1)).toBe(1)
  expect(progress).toEqual(progress.toSorted((a, b) => a - b))
})

test('increments hold what changed; a chain of them is read as one', async () => {
  const target = createMemoryTarget()
  const peer = await startOne(target)
  for (let i = 0; i < 50; i++) await put(peer, `s${i}`, 'n', i)
  const base = await take(peer, 'auto')
  await put(peer, 's3', 'n', 'three')
  await put(peer, 'new', 'n', 1)
  const first = await take(peer, 'auto')
  await put(peer, 's3', 'n', 'drei')
  await put(peer, 's4', 'n', 'vier')
  const second = await take(peer, 'auto')
  const list = await peer.snapshots.list()
  expect(list.map(({ id, kind, parent, sessions }) => [id, kind, parent, sessions])).toEqual([
    [second, 'increment', first, 2],
    [first, 'increment', base, 2],
    [base, 'base', null, 50],
  ])
  const live = await peer.sessions.contentHash()
  expect(await peer.snapshots.verify(second)).toMatchObject({
    chain: [base, first, second],
    sessions: 51,
    hash: live.hash,
  })

  const empty = await startOne(target)
  await empty.snapshots.restore('latest')
  expect(await empty.sessions.contentHash()).toEqual(live)
  const older = await startOne(target)
  await older.snapshots.restore(first)
  expect([await data(older, 's3'), await data(older, 's4')]).toEqual([{ n: 'three' }, { n: 4 }])
})

test('no change is missed, however writes and snapshots fall together', async () => {
  const target = createMemoryTarget()
  const peer = await startOne(target, { snapshotIncrementsMax: 4 })
  let writing = true
  const writers = [0, 1, 2, 3].map(async (writer) => {
    for (let i = 0; writing; i++) {
      await put(peer, `w${writer}-${i % 20}`, 'n', i)
      if (i % 5 === 0) await after(0)
    }
  })
  for (let i = 0; i < 12; i++) await take(peer, 'auto')
  writing = false
  await Promise.all(writers)
  const last = await take(peer, 'auto')
  expect((await peer.snapshots.verify(last)).hash).toBe((await peer.sessions.contentHash()).hash)
  const kinds = (await peer.snapshots.list()).map(({ kind }) => kind)
  expect(kinds.filter((kind) => kind === 'base').length).toBeGreaterThanOrEqual(3)
})

test('restoring into a live mesh adds what was lost and takes nothing back', async () => {
  const target = createMemoryTarget()
  const mesh = await start(2, target, { durability: 2 })
  const [peer, other] = mesh.peers
  if (peer === undefined || other === undefined) throw new Error('no peers')
  for (const id of ['kept', 'changed', 'ended']) await put(peer, id, 'n', 'old')
  const id = await take(peer)
  await put(other, 'changed', 'n', 'new')
  await put(other, 'added', 'n', 'new')
  await other.sessions.terminate('ended')
  const before = await peer.sessions.contentHash()

  const report = await peer.snapshots.restore(id)
  expect(report).toMatchObject({ sessions: 3, created: 0, merged: 0, unchanged: 2, terminatedHere: 1 })
  expect(await peer.sessions.contentHash()).toEqual(before)
  expect(await data(peer, 'changed')).toEqual({ n: 'new' })
  await expect(peer.sessions.get('ended')).rejects.toMatchObject({ code: 'SESSION_TERMINATED' })

  // A mesh that lost everything but one session, which has been written to since.
  const fresh = await start(2, target, { durability: 2 })
  const [one, two] = fresh.peers
  if (one === undefined || two === undefined) throw new Error('no peers')
  await put(two, 'kept', 'm', 'since')
  expect(await one.snapshots.restore(id, { dryRun: true })).toMatchObject({ created: 2, merged: 1, dryRun: true })
  expect(one.sessions.count()).toBe(1)
  expect(await one.snapshots.restore(id)).toMatchObject({ created: 2, merged: 1, unchanged: 0 })
  await eventuallyAsync('the other peer to have it too', async () => {
    const hashes = await Promise.all([one, two].map(async (p) => JSON.stringify(await p.sessions.contentHash())))
    return two.sessions.count() === 3 && hashes[0] === hashes[1]
  })
  expect(Object.keys((await data(two, 'kept')) as object).toSorted()).toEqual(['m', 'n'])
  expect(await one.snapshots.restore(id)).toMatchObject({ created: 0, merged: 0, unchanged: 3 })
})

test('one session alone is restored; one that is not in the snapshot is an error', async () => {
  const target = createMemoryTarget()
  const peer = await startOne(target)
  for (const session of ['a', 'b', 'c']) await put(peer, session, 'n', 1)
  const id = await take(peer)
  const empty = await startOne(target)
  expect(await empty.snapshots.restore(id, { session: 'b' })).toMatchObject({ sessions: 1, created: 1 })
  expect(empty.sessions.count()).toBe(1)
  await expect(empty.snapshots.restore(id, { session: 'x' })).rejects.toMatchObject({ code: 'SESSION_NOT_FOUND' })
})

test('ids that are not there, a chain with a hole, and no place at all are clear errors', async () => {
  const target = createMemoryTarget()
  const peer = await startOne(target)
  await expect(peer.snapshots.verify('latest')).rejects.toMatchObject({ code: 'SNAPSHOT_NOT_FOUND' })
  await expect(peer.snapshots.persist('none')).rejects.toMatchObject({ code: 'SNAPSHOT_NOT_FOUND' })
  await put(peer, 'a', 'n', 1)
  const base = await take(peer, 'auto')
  await put(peer, 'a', 'n', 2)
  const increment = await take(peer, 'auto')
  target.files.delete(`${base}.snapshot`)
  const failed = peer.snapshots.restore(increment)
  await expect(failed).rejects.toMatchObject({ code: 'SNAPSHOT_NOT_FOUND' })
  await expect(failed).rejects.toThrow(base)

  const mesh = await startMemoryMesh(1, {})
  running.push(mesh)
  await expect(mesh.peers[0]?.snapshots.create()).rejects.toMatchObject({ code: 'SNAPSHOT_TARGET_MISSING' })
})

test('views are let go when newer ones come; persisting twice is persisting once', async () => {
  const peer = await startOne(createMemoryTarget())
  await put(peer, 'a', 'n', 1)
  const views: string[] = []
  for (let i = 0; i < 6; i++) views.push((await peer.snapshots.create()).id)
  expect(new Set(views).size).toBe(6)
  await expect(peer.snapshots.persist(views[0] ?? '')).rejects.toMatchObject({ code: 'SNAPSHOT_NOT_FOUND' })
  const info = await peer.snapshots.persist(views[5] ?? '')
  expect(await peer.snapshots.persist(views[5] ?? '')).toEqual(info)
  expect(await peer.snapshots.persist(views[3] ?? '')).toMatchObject({ sessions: 1 })
})

test('an increment whose target failed is not lost for the next', async () => {
  const target = createMemoryTarget()
  const peer = await startOne(target)
  await put(peer, 'a', 'n', 1)
  await take(peer, 'auto')
  await put(peer, 'b', 'n', 1)
  const { id } = await peer.snapshots.create({ kind: 'auto' })
  const working = target.put
  target.put = () => Promise.reject(new Error('the bucket is gone'))
  await expect(peer.snapshots.persist(id)).rejects.toThrow('the bucket is gone')
  target.put = working
  const next = await take(peer, 'auto')
  expect(await peer.snapshots.verify(next)).toMatchObject({ sessions: 2 })
})

test('periodic snapshots come by themselves, rest while nothing changes, and old ones go', async () => {
  const target = createMemoryTarget()
  const options = { snapshotIntervalMs: 5, snapshotIncrementsMax: 2, snapshotKeepLast: 3, snapshotKeepHourly: 0 }
  const peer = await startOne(target, { ...options, snapshotKeepDaily: 0 })
  const hash = async () => (await peer.sessions.contentHash()).hash
  const caughtUp = async () => {
    if (target.files.size === 0) return false
    return (await peer.snapshots.verify('latest')).hash === (await hash())
  }
  for (let i = 0; i < 12; i++) {
    await put(peer, `s${i}`, 'n', i)
    await eventuallyAsync('a snapshot of it', caughtUp)
  }
  const names = [...target.files.keys()]
  expect(names.length).toBeLessThanOrEqual(6)
  for (const { id } of await peer.snapshots.list()) await peer.snapshots.verify(id)
})
