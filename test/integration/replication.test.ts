// The real peer code on the in-memory network: what an acknowledgement means, and what repairs what.
import { afterEach, expect, test } from 'vitest'
import * as Y from 'yjs'
import { Frame } from '../../transport/wire/messages.js'
import { WIRE_VERSION } from '../../node/membership/heartbeat.ts'
import { systemClock } from '../../node/ports/clock.ts'
import { createMemoryStore } from '../../node/store/memory.ts'
import { createMemoryNetwork } from '../../transport/memory/index.ts'
import { eventually, eventuallyAsync, memoryPeer, startMemoryMesh, type MemoryMesh } from '../support/memory-mesh.ts'
import type { MeshPeer } from '../../node/peer.ts'

let mesh: MemoryMesh | undefined
afterEach(async () => {
  await mesh?.stop()
  mesh = undefined
})

async function start(count: number, options = {}): Promise<MemoryMesh> {
  mesh = await startMemoryMesh(count, options)
  return mesh
}

function peer(of: MemoryMesh, index: number): MeshPeer {
  const found = of.peers[index]
  if (found === undefined) throw new Error(`no peer ${index}`)
  return found
}

async function converged(of: MemoryMesh): Promise<boolean> {
  const hashes = await Promise.all(of.peers.map((each) => each.sessions.contentHash()))
  return new Set(hashes.map(({ hash, sessions }) => `${hash}/${sessions}`)).size === 1
}

const protocolOf = (parcel: object) => ('protocol' in parcel ? String(parcel.protocol) : '')

const isShardGossip = (parcel: { kind: string; topic?: string }) =>
  parcel.kind === 'gossip' && parcel.topic?.startsWith('shard/') === true

test('a write with the default durability is on two disks, and any peer serves it', async () => {
  const three = await start(3)
  const { session, receipt } = await peer(three, 0).sessions.create('s', { data: { x: 1 } })
  expect(receipt).toMatchObject({ copies: 2, degraded: false })
  const { copies } = await session.set('x', 2, { durability: 'all' })
  expect(copies).toBe(3)
  for (const each of three.peers) expect(await each.sessions.get('s')).toMatchObject({ data: { x: 2 } })
})

test('with gossip switched off everything still converges, and writes are still acknowledged', async () => {
  const three = await start(3)
  three.network.drop(isShardGossip)
  const { receipt } = await peer(three, 0).sessions.create('s', { data: { x: 1 } })
  expect(receipt.copies).toBeGreaterThanOrEqual(2)
  await peer(three, 1).sessions.create('t', { durability: 'local' })
  await eventuallyAsync('all to be equal', () => converged(three))
})

test('a change that changes nothing is acknowledged by disks that hold the session, and no others', async () => {
  const two = await start(2)
  const stop = two.network.drop(
    (parcel) => isShardGossip(parcel) || ['tree', 'pull', 'push'].includes(protocolOf(parcel)),
  )
  const { session } = await peer(two, 0).sessions.create('s', { durability: 'local' })
  expect(await session.delete('never set', { timeoutMs: 300 })).toMatchObject({ copies: 1, degraded: true })
  stop()
  expect(await session.delete('never set')).toMatchObject({ copies: 2, degraded: false })
})

test('an update whose dependency was lost is not acknowledged until the dependency is there', async () => {
  const two = await start(2)
  const { session } = await peer(two, 0).sessions.create('s', { durability: 'all' })
  // Lose exactly one frame, and every way of repairing it.
  const stopFrame = two.network.drop(isShardGossip)
  const stopRepair = two.network.drop(
    (parcel) => parcel.kind === 'request' && ['tree', 'pull', 'push'].includes(parcel.protocol),
  )
  await session.transact((doc) => doc.getText('t').insert(0, 'dependency'), { durability: 'local' })
  stopFrame()
  const second = session.transact((doc) => doc.getText('t').insert(10, '!'), { durability: 2, timeoutMs: 700 })
  expect(await second).toMatchObject({ copies: 1, degraded: true })
  expect(peer(two, 1).replication.status().parked).toBe(1)
  stopRepair()
  const third = await session.set('k', 1, { durability: 2 })
  expect(third).toMatchObject({ copies: 2, degraded: false })
  const there = await peer(two, 1).sessions.open('s')
  expect(there.doc.getText('t').toJSON()).toBe('dependency!')
})

test("nor when the dependency is another peer's, and no frame of the writer itself is missing", async () => {
  const three = await start(3)
  const { session } = await peer(three, 0).sessions.create('s', { durability: 'all' })
  const stopFrame = three.network.drop((parcel) => isShardGossip(parcel) && parcel.to === 'b')
  const stopRepair = three.network.drop(
    (parcel) => parcel.kind === 'request' && ['tree', 'pull', 'push'].includes(parcel.protocol),
  )
  const third = await peer(three, 2).sessions.open('s')
  await third.transact((doc) => doc.getText('t').insert(0, 'dependency'), { durability: 2 })
  stopFrame()
  const dependent = session.transact((doc) => doc.getText('t').insert(10, '!'), { durability: 3, timeoutMs: 700 })
  expect(await dependent).toMatchObject({ copies: 2, degraded: true, peers: ['a', 'c'] })
  stopRepair()
  await eventuallyAsync('all to be equal', () => converged(three))
})

test('what a peer has just done to a session shows at once in what it says of it', async () => {
  const one = await start(1)
  await peer(one, 0).sessions.create('s', { priority: 'critical' })
  expect(await peer(one, 0).sessions.list({ priority: 'critical' })).toMatchObject([{ id: 's' }])
  await peer(one, 0).sessions.terminate('s')
  await expect(peer(one, 0).sessions.get('s')).rejects.toMatchObject({ code: 'SESSION_TERMINATED' })
  expect(peer(one, 0).sessions.count()).toBe(0)
})

test('a session over its limit takes no more writes; overwriting is no growth', async () => {
  const one = await start(1, { sessionBytesMax: 3_000_000 })
  const { session } = await peer(one, 0).sessions.create('s')
  for (let i = 0; i < 12; i++) await session.set('same', 'x'.repeat(500_000) + i)
  const grow = async () => {
    for (let i = 0; i < 10; i++) await session.set(`k${i}`, 'x'.repeat(500_000))
  }
  await expect(grow()).rejects.toMatchObject({ code: 'SESSION_TOO_LARGE' })
  expect(await peer(one, 0).sessions.get('s')).toMatchObject({ id: 's' })
})

test('a session that is not here is fetched from whoever has it, and unknown only once all were asked', async () => {
  const three = await start(3)
  three.network.drop((parcel) => parcel.kind === 'gossip')
  three.network.drop((parcel) => parcel.kind === 'request' && ['tree', 'push'].includes(parcel.protocol))
  await peer(three, 2).sessions.create('s', { data: { x: 1 }, durability: 'local' })
  expect(await peer(three, 0).sessions.get('s')).toMatchObject({ data: { x: 1 } })
  await expect(peer(three, 0).sessions.get('none')).rejects.toMatchObject({ code: 'SESSION_NOT_FOUND' })
})

test('a holder of the mesh key that is not in allowedPeers gets nothing in', async () => {
  const network = createMemoryNetwork({ timers: systemClock })
  const guarded = memoryPeer(network.transport('a'), createMemoryStore(), { name: 'a', allowedPeers: ['a'] })
  const outsider = memoryPeer(network.transport('b'), createMemoryStore(), { name: 'b' })
  await guarded.start()
  await outsider.start()
  await outsider.sessions.create('t', { durability: 'local' })
  await eventually('the outsider to be refused', () => (guarded.replication.status().refused['stranger'] ?? 0) > 0)
  expect(guarded.members()).toHaveLength(1)
  expect(guarded.sessions.count()).toBe(0)
  await expect(guarded.sessions.get('t')).rejects.toMatchObject({ code: 'SESSION_NOT_FOUND' })
  await Promise.all([guarded.stop(), outsider.stop()])
})

test('strict rejects instead of degrading, and the change still spreads', async () => {
  const two = await start(2)
  const { session } = await peer(two, 0).sessions.create('s')
  two.network.cut('a', 'b')
  await expect(session.set('x', 1, { durability: 2, strict: true })).rejects.toMatchObject({
    code: 'REPLICATION_TIMEOUT',
  })
  two.network.heal()
  await eventuallyAsync('the change to spread', () => converged(two))
})

test('both sides of a partition go on, and heal to equal documents with nothing lost', async () => {
  const four = await start(4, { replicationFactor: 'all' })
  const { session } = await peer(four, 0).sessions.create('s', { durability: 'all' })
  const other = await peer(four, 2).sessions.open('s')
  for (const [left, right] of [
    ['a', 'c'],
    ['a', 'd'],
    ['b', 'c'],
    ['b', 'd'],
  ] as const)
    four.network.cut(left, right)
  await session.set('left', 1)
  await other.transact((doc) => doc.getText('t').insert(0, 'right'))
  await eventually('each side to declare the other dead', () =>
    four.peers.every((each) => each.members().filter(({ status }) => status === 'dead').length === 2),
  )
  await session.set('left', 2)
  four.network.heal()
  await eventuallyAsync('all to be equal', () => converged(four))
  const view = await peer(four, 3).sessions.get('s')
  expect(view).toMatchObject({ data: { left: 2 }, types: { t: 'right' } })
})

test('a session larger than an update may be still reaches a replica that was away', async () => {
  const two = await start(2, { updateBytesMax: 2_000 })
  const { session } = await peer(two, 0).sessions.create('s')
  two.network.cut('a', 'b')
  for (let i = 0; i < 5; i++) await session.set(`k${i}`, 'x'.repeat(1_500))
  two.network.heal()
  await eventuallyAsync('both to be equal', () => converged(two))
  expect(peer(two, 1).replication.status().refused).toEqual({})
})

test('a terminated session stays terminated, whatever the other side wrote meanwhile', async () => {
  const two = await start(2)
  const { session } = await peer(two, 0).sessions.create('s', { data: { x: 1 }, durability: 'all' })
  const other = await peer(two, 1).sessions.open('s')
  two.network.cut('a', 'b')
  await peer(two, 0).sessions.terminate('s')
  await other.set('x', 2)
  two.network.heal()
  await eventuallyAsync('all to be equal', () => converged(two))
  await expect(peer(two, 1).sessions.get('s')).rejects.toMatchObject({ code: 'SESSION_TERMINATED' })
  await expect(session.set('x', 3)).rejects.toMatchObject({ code: 'SESSION_TERMINATED' })
  expect(peer(two, 1).sessions.count()).toBe(0)
})

test('of two terminations at once at one peer both are answered: it was terminated, or it was already', async () => {
  // Sessions that are read from disk for each call are terminated a turn after they were found alive.
  const one = await start(1, { hydratedSessionsMax: 0 })
  const { sessions } = peer(one, 0)
  await sessions.create('s')
  const answers = await Promise.allSettled([sessions.terminate('s'), sessions.terminate('s')])
  expect(answers.map(({ status }) => status)).toContain('fulfilled')
  for (const answer of answers) {
    if (answer.status === 'rejected') expect(answer.reason).toMatchObject({ code: 'SESSION_TERMINATED' })
  }
})

test('a session that was terminated elsewhere is not served, also right after and without its document at hand', async () => {
  const two = await start(2, { hydratedSessionsMax: 0 })
  const { session } = await peer(two, 0).sessions.create('s', { data: { x: 1 }, durability: 'all' })
  session.close()
  const { copies } = await peer(two, 0).sessions.terminate('s', { durability: 'all' })
  expect(copies).toBe(2)
  await expect(peer(two, 1).sessions.get('s')).rejects.toMatchObject({ code: 'SESSION_TERMINATED' })
})

test('what the network must not say is refused, counted, and harmless', async () => {
  const two = await start(2, { updateBytesMax: 2_000 })
  const [hostile, victim] = [two.transports[0], peer(two, 1)]
  if (hostile === undefined) throw new Error('no transport')
  const update = Y.encodeStateAsUpdate(new Y.Doc())
  const base = {
    version: WIRE_VERSION,
    origin: 'a',
    boot: 'ff',
    shard: 0,
    seq: 1,
    sentAt: 1,
    entries: [{ session: 's', update }],
  }
  const send = (change: object) => hostile.publish('shard/0', Frame.encode({ ...base, ...change }))
  await send({ origin: 'c' })
  await send({ entries: [{ session: 's', update: new Uint8Array([250, 1, 2, 3]) }] })
  await send({ entries: [{ session: 'x'.repeat(257), update }] })
  await send({ entries: [{ session: 's', update: new Uint8Array(2_001) }] })
  await hostile.publish('shard/0', new Uint8Array([255, 255, 255]))
  await hostile.publish('members', new Uint8Array([255, 255, 255]))
  await eventually('all to be refused', () => {
    const { refused } = victim.replication.status()
    return [
      'forged-origin',
      'malformed-update',
      'invalid-id',
      'too-large',
      'malformed-frame',
      'malformed-heartbeat',
    ].every((reason) => (refused[reason] ?? 0) >= 1)
  })
  expect(victim.health.check()).toEqual({ healthy: true })
  expect((await victim.sessions.create('fine')).receipt.copies).toBe(2)
})

test('a peer whose disk fails acknowledges nothing more and says so', async () => {
  const two = await start(2)
  const { session } = await peer(two, 0).sessions.create('s', { durability: 'all' })
  two.stores[1]?.failNextAppend(new Error('disk full'))
  expect(await session.set('x', 1, { timeoutMs: 500 })).toMatchObject({ copies: 1, degraded: true })
  expect(peer(two, 1).health.check()).toEqual({ healthy: false })
  await expect(peer(two, 1).sessions.create('t')).rejects.toMatchObject({ code: 'STORE_FAILED' })
  expect(await peer(two, 1).sessions.get('s')).toMatchObject({ id: 's' })
})

test('failover hands every home over and failback takes them back, on every peer alike', async () => {
  const three = await start(3)
  for (let i = 0; i < 30; i++) await peer(three, 0).sessions.create(`s${i}`, { durability: 'all' })
  const homes = () =>
    three.peers.map((each) => JSON.stringify(Object.entries(each.failover.status().homesByPeer).toSorted()))
  await eventually('equal homes', () => new Set(homes()).size === 1)
  const before = homes()[0]
  const handed = await peer(three, 0).failover.graceful('b')
  expect(handed.homes).toBe(0)
  await eventually('equal homes', () => new Set(homes()).size === 1)
  await peer(three, 0).failover.failback()
  await peer(three, 0).failover.completed()
  await eventually('the homes of before', () => homes().every((each) => each === before))
  const taken = await peer(three, 1).sessions.list({ home: 'b' })
  const histories = await Promise.all(taken.map(({ id }) => peer(three, 1).sessions.get(id)))
  expect(histories.every(({ state }) => state === 'active')).toBe(true)
})
