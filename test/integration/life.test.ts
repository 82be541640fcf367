// Sessions that end by themselves, on peers of the real node/ code on the in-memory network.
import { afterEach, expect, test } from 'vitest'
import { shardOf } from '../../crdt/index.ts'
import type { PeerOptions } from '../../node/config.ts'
import type { MeshPeer } from '../../node/peer.ts'
import { eventually, eventuallyAsync, startMemoryMesh, type MemoryMesh } from '../support/memory-mesh.ts'

let mesh: MemoryMesh | undefined
afterEach(async () => {
  await mesh?.stop()
  mesh = undefined
})

const AT_ONCE: PeerOptions = { clockSkewMaxMs: 0, expiryPatienceMs: 0 }

async function start(count: number, options: PeerOptions = {}): Promise<MemoryMesh> {
  mesh = await startMemoryMesh(count, { ...AT_ONCE, ...options })
  return mesh
}

function peer(of: MemoryMesh, index: number): MeshPeer {
  const found = of.peers[index]
  if (found === undefined) throw new Error(`no peer ${index}`)
  return found
}

const isOver = (of: MeshPeer, id: string): Promise<boolean> =>
  of.sessions.get(id).then(
    () => false,
    (error: Error) => {
      expect(error).toMatchObject({ code: 'SESSION_TERMINATED', message: expect.stringMatching(/expired at/) })
      return true
    },
  )

test('a session that nobody touches ends on every peer, by its home, and says why', async () => {
  const three = await start(3)
  const expired: string[] = []
  for (const each of three.peers) each.on('expired', ({ session }) => expired.push(`${session} at ${each.id}`))
  const { session } = await peer(three, 0).sessions.create('s', { ttlMs: 400, durability: 'all' })
  const { home, ttlMs, dueAt, createdAt, expiresAt } = session.view()
  expect({ ttlMs, expiresAt, dueAt }).toEqual({ ttlMs: 400, expiresAt: null, dueAt: (createdAt ?? 0) + 440 })
  for (const each of three.peers) await eventuallyAsync('the end', () => isOver(each, 's'))
  expect(expired).toEqual([`s at ${home}`])
  await expect(session.set('late', 1)).rejects.toMatchObject({ code: 'SESSION_TERMINATED' })
  await expect(peer(three, 1).sessions.create('s')).rejects.toMatchObject({ code: 'SESSION_TERMINATED' })
})

test('writes, touches and direct changes keep a session alive at whichever peer they are made', async () => {
  const three = await start(3, { defaultTtlMs: 3_000 })
  await peer(three, 0).sessions.create('s', { durability: 'all' })
  await peer(three, 0).sessions.create('idle', { durability: 'all' })
  await peer(three, 0).sessions.create('lasting', { durability: 'all', ttlMs: null })
  const [one, two, other] = await Promise.all(three.peers.map((each) => each.sessions.open('s')))
  const uses = [
    async () => void (await one?.touch()),
    async () => void (await two?.set('n', 1)),
    async () => void other?.doc.getText('t').insert(0, 'x'),
  ]
  let turn = 0
  await eventuallyAsync('the idle one to end', async () => {
    await uses[turn++ % 3]?.()
    return isOver(peer(three, 2), 'idle')
  })
  expect(turn).toBeGreaterThan(3)
  for (const each of three.peers) expect(await isOver(each, 's')).toBe(false)
  expect(await peer(three, 1).sessions.get('lasting')).toMatchObject({ ttlMs: null, dueAt: null })
})

test('touches are written down seldom, and say when the session ends', async () => {
  const two = await start(2)
  const { session } = await peer(two, 0).sessions.create('s', { ttlMs: 60_000 })
  const before = peer(two, 0).replication.status().framesPublished
  const touches = await Promise.all(Array.from({ length: 50 }, () => session.touch()))
  expect(touches.every(({ receipt }) => receipt === null)).toBe(true)
  expect(touches[0]?.dueAt).toBe(session.view().dueAt)
  expect(peer(two, 0).replication.status().framesPublished).toBe(before)
  const { dueAt } = session.view()
  await session.setExpiry({ ttlMs: 120_000 })
  expect((session.view().dueAt ?? 0) - (dueAt ?? 0)).toBeGreaterThan(60_000)
})

test('when the home dies its successor ends what is due', async () => {
  const three = await start(3)
  const { session } = await peer(three, 0).sessions.create('s', { ttlMs: 60_000, durability: 'all' })
  const home = three.peers.find(({ id }) => id === session.view().home)
  const [one, other] = three.peers.filter((each) => each !== home)
  if (home === undefined || one === undefined || other === undefined) throw new Error('no home')
  for (const each of [one, other]) three.network.cut(home.id, each.id)
  await eventually('its death to be seen', () =>
    [one, other].every((each) => each.members().some(({ peer: id, status }) => id === home.id && status === 'dead')),
  )
  const successor = await one.sessions.open('s')
  await successor.setExpiry({ expiresAt: 1 })
  for (const each of [one, other]) await eventuallyAsync('the end', () => isOver(each, 's'))
})

test('where not all keep a session, touches anywhere count, and it ends even if its home does not keep it', async () => {
  const four = await start(4, { replicationFactor: 2, heartbeatIntervalMs: 100, shardCount: 8 })
  const [first] = four.peers
  if (first === undefined) throw new Error('no peers')
  await eventually('it to keep not all shards', () => first.replication.shards().some(({ state }) => state === 'none'))
  const shard = first.replication.shards().find(({ state }) => state === 'none')?.shard
  const strange = Array.from({ length: 200 }, (_, i) => `s${i}`).filter((id) => shardOf(id, 8) === shard)
  const [pinned = '', touched = ''] = strange
  const replica = four.peers.find((each) => each.replication.shards()[shard ?? 0]?.state === 'complete')
  for (const id of [pinned, touched]) {
    const created = await replica?.sessions.create(id, { ttlMs: 1_500, pin: first.id, durability: 'all' })
    expect(created?.session.view().home).toBe(first.id)
    created?.session.close()
  }
  await eventuallyAsync('the one that nobody touches to end', async () => {
    await first.sessions.touch(touched)
    return replica === undefined ? false : isOver(replica, pinned)
  })
  expect(await isOver(first, touched)).toBe(false)
  await eventuallyAsync('the other to end', () => isOver(first, touched))
})
