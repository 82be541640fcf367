// Partial replicas on the in-memory network: who holds what, who serves what, and that nothing is let go too early.
import { afterEach, expect, test } from 'vitest'
import * as Y from 'yjs'
import { shardOf } from '../../crdt/index.ts'
import type { MeshPeer } from '../../node/peer.ts'
import { createMemoryStore, type MemoryStore } from '../../node/store/memory.ts'
import { eventually, eventuallyAsync, startMemoryMesh, type MemoryMesh } from '../support/memory-mesh.ts'

let mesh: MemoryMesh | undefined
afterEach(async () => {
  await mesh?.stop()
  mesh = undefined
})

async function start(count: number, options = {}): Promise<MemoryMesh> {
  mesh = await startMemoryMesh(count, { heartbeatIntervalMs: 100, suspicionTimeoutMs: 200, ...options })
  return mesh
}

function peer(of: MemoryMesh, index: number): MeshPeer {
  const found = of.peers[index]
  if (found === undefined) throw new Error(`no peer ${index}`)
  return found
}

/** Names of the peers whose disks hold the session. */
async function disksWith(of: MemoryMesh, session: string, peers: readonly MeshPeer[] = of.peers): Promise<string[]> {
  const names: string[] = []
  for (const each of peers) {
    if ((await of.stores[of.peers.indexOf(each)]?.read(session)) !== undefined) names.push(each.name)
  }
  return names
}

async function everySessionOnDisks(of: MemoryMesh, sessions: readonly string[], count: number, peers = of.peers) {
  for (const session of sessions) if ((await disksWith(of, session, peers)).length !== count) return false
  return true
}

async function create(of: MemoryMesh, count: number, options = {}): Promise<string[]> {
  const ids = Array.from({ length: count }, (_, i) => `s${i}`)
  for (const [i, id] of ids.entries()) {
    const { session, receipt } = await peer(of, i % of.peers.length).sessions.create(id, { data: { i }, ...options })
    expect(receipt.degraded).toBe(false)
    session.close()
  }
  return ids
}

/** A session that the peer is no replica of, and one that it is, once the others have let go. */
async function strangeTo(of: MemoryMesh, who: MeshPeer, sessions: readonly string[]): Promise<string> {
  for (const session of sessions) if (!(await disksWith(of, session)).includes(who.name)) return session
  throw new Error(`${who.name} holds everything`)
}

test('each session is on as many disks as the factor says, and any peer serves it', async () => {
  const five = await start(5)
  const sessions = await create(five, 40)
  await eventuallyAsync('others to let go', () => everySessionOnDisks(five, sessions, 3), 20_000)
  for (const each of five.peers) {
    for (const [i, session] of sessions.entries()) {
      expect(await each.sessions.get(session)).toMatchObject({ data: { i } })
    }
  }
  // Reading leaves nothing behind.
  expect(await everySessionOnDisks(five, sessions, 3)).toBe(true)
})

test('a write at a peer that is no replica is acknowledged by those that are, and leaves nothing behind', async () => {
  const five = await start(5)
  const sessions = await create(five, 40)
  await eventuallyAsync('others to let go', () => everySessionOnDisks(five, sessions, 3), 20_000)
  const id = await strangeTo(five, peer(five, 0), sessions)
  const replicas = await disksWith(five, id)
  const session = await peer(five, 0).sessions.open(id)
  const receipt = await session.set('x', 1, { durability: 'all' })
  expect(receipt).toMatchObject({ copies: 4, degraded: false })
  expect(receipt.peers.toSorted()).toEqual(['a', ...replicas].toSorted())
  const elsewhere = five.peers.find(({ name }) => name === replicas[0])
  const there = await elsewhere?.sessions.open(id)
  expect(there?.data.get('x')).toBe(1)
  // Followed while it is open: what others write comes here.
  there?.data.set('y', 2)
  await eventually('the change to come', () => session.data.get('y') === 2)
  session.close()
  await eventuallyAsync('it to let go', async () => !(await disksWith(five, id)).includes('a'), 20_000)
  expect(await peer(five, 0).sessions.get(id)).toMatchObject({ data: { x: 1, y: 2 } })
})

test('a follower converges without gossip, and so do the replicas with what it writes', async () => {
  const five = await start(5)
  const sessions = await create(five, 40)
  await eventuallyAsync('others to let go', () => everySessionOnDisks(five, sessions, 3), 20_000)
  five.network.drop((parcel) => parcel.kind === 'gossip' && parcel.topic.startsWith('shard/'))
  const id = await strangeTo(five, peer(five, 0), sessions)
  const replicas = await disksWith(five, id)
  const here = await peer(five, 0).sessions.open(id)
  const there = await five.peers.find(({ name }) => name === replicas[0])?.sessions.open(id)
  expect(await here.set('x', 1)).toMatchObject({ degraded: false })
  there?.data.set('y', 2)
  await eventually('both to have both', () => here.data.get('y') === 2 && there?.data.get('x') === 1)
})

test('a newcomer takes its share; the others let go of theirs when it has it', async () => {
  const four = await start(4)
  const sessions = await create(four, 40)
  const fifth = await four.add()
  await eventuallyAsync('the newcomer to hold its share', async () => {
    const holders = await Promise.all(sessions.map((session) => disksWith(four, session)))
    return holders.some((names) => names.includes('e'))
  })
  await eventuallyAsync('three disks each', () => everySessionOnDisks(four, sessions, 3), 20_000)
  const hashes = await Promise.all(sessions.map((id) => Promise.all(four.peers.map((each) => each.sessions.get(id)))))
  for (const views of hashes) expect(new Set(views.map(({ digest }) => digest)).size).toBe(1)
  expect(fifth.replication.status().refused).toEqual({})
})

test('after a death the factor is restored, and nothing is lost', async () => {
  const five = await start(5)
  const sessions = await create(five, 40)
  await eventuallyAsync('others to let go', () => everySessionOnDisks(five, sessions, 3), 20_000)
  for (const { name } of five.peers.slice(1)) five.network.cut('a', name)
  const rest = five.peers.slice(1)
  await eventuallyAsync('three disks each again', () => everySessionOnDisks(five, sessions, 3, rest), 20_000)
  for (const [i, id] of sessions.entries()) expect(await peer(five, 2).sessions.get(id)).toMatchObject({ data: { i } })
})

test('nothing is let go while one of the replicas can not prove that it holds it', async () => {
  const four = await start(4)
  const sessions = await create(four, 40)
  await eventuallyAsync('others to let go', () => everySessionOnDisks(four, sessions, 3), 20_000)
  // The fifth gets everything it asks for, but can't answer for it.
  four.network.drop((parcel) => parcel.kind === 'response' && parcel.protocol === 'check' && parcel.from === 'e')
  const before = await Promise.all(sessions.map((session) => disksWith(four, session)))
  await four.add()
  await eventuallyAsync('the newcomer to hold its share', async () => {
    const holders = await Promise.all(sessions.map((session) => disksWith(four, session)))
    return holders.some((names) => names.includes('e')) && four.peers[4]?.replication.status().syncState === 'synced'
  })
  await eventually('the others to have tried', () => (four.peers[4]?.sessions.count() ?? 0) > 0)
  for (let i = 0; i < 30; i++) {
    for (const [at, session] of sessions.entries()) {
      expect(await disksWith(four, session)).toEqual(expect.arrayContaining(before[at] ?? []))
    }
    await four.peers[0]?.replication.forceSync()
  }
})

test('after an outage of all, a replica that can take in nothing keeps no other from being complete', async () => {
  const stores: MemoryStore[] = []
  for (const id of ['s0', 's1', 's2']) {
    const alone = await startMemoryMesh(1, { shardCount: 1 })
    await alone.peers[0]?.sessions.create(id, { data: { id } })
    await alone.stop()
    stores.push(...alone.stores)
  }
  // They expect each other: nobody takes itself for the first.
  const three = await start(0, { shardCount: 1, bootstrap: ['/ip4/192.0.2.1/tcp/1'] })
  await three.add({ name: 'full', store: stores[0] as MemoryStore })
  stores[0]?.fill()
  for (const store of stores.slice(1)) await three.add({ store })
  const stateOf = (index: number) => peer(three, index).replication.shards()[0]?.state
  await eventually('the others to be complete', () => stateOf(1) === 'complete' && stateOf(2) === 'complete')
  expect(stateOf(0)).toBe('acquiring')
  for (const id of ['s0', 's1', 's2']) {
    for (const each of three.peers.slice(1)) expect(await each.sessions.get(id)).toMatchObject({ data: { id } })
  }
})

test('what is left on the disk of a peer that comes back is proved or brought to the replicas, then let go', async () => {
  const five = await start(5)
  const sessions = await create(five, 40)
  await eventuallyAsync('others to let go', () => everySessionOnDisks(five, sessions, 3), 20_000)
  const first = peer(five, 0)
  const id = await strangeTo(five, first, sessions)
  const store = five.stores[0] as MemoryStore
  // Written while nobody listens, and then the process ends.
  for (const { name } of five.peers.slice(1)) five.network.cut('a', name)
  await eventually('it to be alone', () => first.members().every(({ self, status }) => self || status === 'dead'))
  const { receipt } = await first.sessions.create(id, { data: { alone: true } })
  expect(receipt).toMatchObject({ copies: 1, degraded: true })
  await first.stop()
  five.network.heal()
  await five.add({ name: 'a', store })
  await eventuallyAsync('the replicas to have it', async () => {
    const view = await peer(five, 1).sessions.get(id)
    return (view.data as { alone?: boolean }).alone === true
  })
  const rest = five.peers.slice(1)
  await eventuallyAsync('it to let go', () => everySessionOnDisks(five, [id], 3, rest), 20_000)
})

test('an unknown id is not found once its replicas have said so; where none of them answers it is unavailable', async () => {
  const five = await start(5)
  const first = peer(five, 0)
  await eventually('it to keep some shards and others not', () =>
    ['none', 'complete'].every((state) => first.replication.shards().some((shard) => shard.state === state)),
  )
  const idIn = (state: string) => {
    const shard = first.replication.shards().find((status) => status.state === state)?.shard
    return Array.from({ length: 100 }, (_, i) => `id${i}`).find((id) => shardOf(id, 8) === shard) ?? ''
  }
  for (const id of [idIn('none'), idIn('complete')]) {
    await expect(first.sessions.get(id)).rejects.toMatchObject({ code: 'SESSION_NOT_FOUND' })
    await expect(first.sessions.open(id)).rejects.toMatchObject({ code: 'SESSION_NOT_FOUND' })
  }
  five.network.drop((parcel) => parcel.kind === 'request' && parcel.protocol === 'pull')
  await expect(first.sessions.open(idIn('none'))).rejects.toMatchObject({ code: 'SESSION_UNAVAILABLE' })
  // Who keeps all of a shard knows what is in it.
  await expect(first.sessions.open(idIn('complete'))).rejects.toMatchObject({ code: 'SESSION_NOT_FOUND' })
})

test('an id that exists on its replicas can not be created at a peer that is none', async () => {
  const five = await start(5)
  const sessions = await create(five, 40)
  await eventuallyAsync('others to let go', () => everySessionOnDisks(five, sessions, 3), 20_000)
  for (const each of five.peers) {
    await expect(each.sessions.create('s0')).rejects.toMatchObject({ code: 'SESSION_EXISTS' })
  }
  await peer(five, 0).sessions.terminate('s1')
  for (const each of five.peers) {
    await expect(each.sessions.create('s1')).rejects.toMatchObject({ code: 'SESSION_TERMINATED' })
  }
})

test('the factor may be changed peer by peer: the largest that anybody wants counts', async () => {
  const three = await start(3, { replicationFactor: 1 })
  const sessions = await create(three, 12, { durability: 1 })
  await eventuallyAsync('one disk each', () => everySessionOnDisks(three, sessions, 1), 20_000)
  await three.add({ replicationFactor: 2, store: createMemoryStore() })
  await eventuallyAsync('two disks each', () => everySessionOnDisks(three, sessions, 2), 20_000)
})

test('a write that changes nothing is counted on the disks that are known to hold the session', async () => {
  const three = await start(3)
  const { session } = await peer(three, 0).sessions.create('s', { data: { x: 1 }, durability: 'all' })
  session.close()
  const there = await peer(three, 1).sessions.open('s')
  expect(await there.transact(() => {}, { durability: 3 })).toMatchObject({ copies: 3, degraded: false })
  three.network.cut('a', 'b')
  three.network.cut('c', 'b')
  const alone = await there.transact(() => {}, { durability: 3, timeoutMs: 300 })
  expect(alone).toMatchObject({ copies: 1, degraded: true })
})

test('an id that was unknown here is asked for again before it is created', async () => {
  const five = await start(5)
  const first = peer(five, 0)
  await eventually('it to keep not all shards', () => first.replication.shards().some(({ state }) => state === 'none'))
  const shard = first.replication.shards().find(({ state }) => state === 'none')?.shard
  const id = Array.from({ length: 100 }, (_, i) => `id${i}`).find((name) => shardOf(name, 8) === shard) ?? ''
  await expect(first.sessions.open(id)).rejects.toMatchObject({ code: 'SESSION_NOT_FOUND' })
  // It goes on following the id for a while, but hears nothing.
  five.network.drop((parcel) => parcel.kind === 'gossip' && parcel.topic.startsWith('shard/'))
  const { session } = await peer(five, 1).sessions.create(id)
  session.close()
  await expect(first.sessions.create(id)).rejects.toMatchObject({ code: 'SESSION_EXISTS' })
})

test('what rests on something lost is kept, and keeps nothing else from being let go', async () => {
  const four = await start(4)
  await create(four, 1)
  const first = peer(four, 0)
  await eventually('it to keep not all shards', () => first.replication.shards().some(({ state }) => state === 'none'))
  const shard = first.replication.shards().find(({ state }) => state === 'none')?.shard
  const ids = Array.from({ length: 100 }, (_, i) => `left${i}`).filter((name) => shardOf(name, 8) === shard)
  const store = four.stores[0] as MemoryStore
  await first.stop()
  await store.open()
  for (const [i, session] of ids.slice(0, 4).entries()) {
    const record = { session, origin: 'a', boot: '1', frameSequence: 0, time: 1 }
    const doc = new Y.Doc({ guid: session })
    const updates: Uint8Array[] = []
    doc.on('update', (update: Uint8Array) => void updates.push(update))
    for (const x of [1, 2]) doc.getMap('data').set('x', x)
    // Of the first session the first of its two records has been lost.
    for (const [at, update] of updates.entries()) {
      if (i > 0 || at > 0) await store.append([{ ...record, sequence: at + 1, update }])
    }
  }
  await store.close()
  const rest = four.peers.slice(1)
  await four.add({ name: 'a', store })
  await eventuallyAsync('the others to go', async () => (await store.read(ids[3] ?? '')) === undefined, 20_000)
  for (const id of ids.slice(1, 4)) expect(await disksWith(four, id, rest)).toEqual(['b', 'c', 'd'])
  expect(await store.read(ids[0] ?? '')).toBeDefined()
  expect(rest.map((each) => each.replication.status().parked)).toEqual([0, 0, 0])
})

test('sessions on too few peers are counted, with the reason, until they have their factor again', async () => {
  const four = await start(4, { replicationFactor: 3 })
  const sessions = await create(four, 40)
  await eventuallyAsync('three disks each', () => everySessionOnDisks(four, sessions, 3), 20_000)
  const first = peer(four, 0)
  expect(first.replication.underReplicated()).toEqual({ count: 0, sessions: [] })
  // Whoever must take over can't get anything.
  const heal = four.network.drop((parcel) => parcel.kind === 'response' && parcel.protocol === 'tree')
  await peer(four, 3).stop()
  const rest = four.peers.slice(0, 3)
  await eventually('all to be kept by all three', () =>
    first.replication.shards().every(({ replicas }) => replicas.length === 3),
  )
  await eventually('those to say that they are getting it', () => {
    const { count, sessions: found } = first.replication.underReplicated()
    return count > 0 && found.every(({ reason }) => reason.includes('is still getting it'))
  })
  const { count, sessions: lacking } = first.replication.underReplicated()
  expect(count).toBe(first.replication.status().underReplicated)
  expect(lacking[0]).toMatchObject({ copies: 2, wanted: 3 })
  const page = first.replication.underReplicated({ limit: 1, after: lacking[0]?.session ?? '' })
  expect(page).toEqual({ count, sessions: [lacking[1]] })
  expect(first.replication.status().absent).toMatchObject([{ name: 'd', isBack: false, missedUpdates: 0 }])
  const { session } = await first.sessions.create('s-more')
  session.close()
  heal()
  await eventually(
    'the factor everywhere',
    () => rest.every((each) => each.replication.underReplicated().count === 0),
    20_000,
  )
  await peer(four, 2).stop()
  await eventually('too few peers to be seen', () => first.replication.underReplicated().count > 0)
  expect(first.replication.underReplicated().sessions[0]).toMatchObject({
    wanted: 3,
    reason: expect.stringMatching(/^only 2 live peers of 3 can keep it/),
  })
})
