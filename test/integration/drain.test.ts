// Handing over on purpose, on the in-memory network: to one peer, and to all; and what must be proved before.
import { afterEach, expect, test } from 'vitest'
import type { HandoverStatus } from '../../node/api.ts'
import type { MeshPeer } from '../../node/peer.ts'
import { createMemoryTarget } from '../../node/snapshots/memory-target.ts'
import { eventually, eventuallyAsync, startMemoryMesh, type MemoryMesh } from '../support/memory-mesh.ts'

let mesh: MemoryMesh | undefined
afterEach(async () => {
  await mesh?.stop()
  mesh = undefined
})

async function start(count: number, options = {}): Promise<MemoryMesh> {
  const margins = { heartbeatIntervalMs: 100, suspicionTimeoutMs: 200 }
  mesh = await startMemoryMesh(count, { ...margins, ...options }, { snapshotTarget: createMemoryTarget() })
  return mesh
}

function peer(of: MemoryMesh, index: number): MeshPeer {
  const found = of.peers[index]
  if (found === undefined) throw new Error(`no peer ${index}`)
  return found
}

async function create(of: MemoryMesh, count: number): Promise<string[]> {
  const ids = Array.from({ length: count }, (_, i) => `s${i}`)
  for (const [i, id] of ids.entries()) {
    const { session } = await peer(of, i % of.peers.length).sessions.create(id, { data: { i } })
    session.close()
  }
  return ids
}

/** Names of the peers whose disks hold the session. */
async function disksWith(of: MemoryMesh, session: string): Promise<string[]> {
  const names: string[] = []
  for (const [index, each] of of.peers.entries()) {
    if ((await of.stores[index]?.read(session)) !== undefined) names.push(each.name)
  }
  return names
}

async function spread(of: MemoryMesh, sessions: readonly string[]): Promise<void> {
  await eventuallyAsync(
    'three disks each',
    async () => {
      for (const session of sessions) if ((await disksWith(of, session)).length !== 3) return false
      return true
    },
    20_000,
  )
}

test('a drained peer has given everything to the others, and takes its share back afterwards', async () => {
  const five = await start(5)
  const sessions = await create(five, 60)
  await spread(five, sessions)
  const first = peer(five, 0)
  expect(first.failover.status().homes).toBeGreaterThan(0)
  const told: HandoverStatus[] = []
  first.on('handover', (status) => void told.push(status))
  const status = await first.failover.drain()
  expect(status).toMatchObject({ homes: 0, draining: true, handover: { kind: 'drain', state: 'done', refused: 0 } })
  expect(told[0]).toMatchObject({ state: 'running' })
  expect(told.at(-1)).toMatchObject({ state: 'done' })
  expect(told.at(-1)?.done).toBe(told.at(-1)?.total)
  // Proved before it resolved: whoever is to keep a session has it on its disk.
  for (const [i, session] of sessions.entries()) {
    const others = (await disksWith(five, session)).filter((name) => name !== 'a')
    expect(others).toHaveLength(3)
    expect(await peer(five, 1).sessions.get(session)).toMatchObject({ data: { i } })
  }
  for (const each of five.peers) expect(each.members().find(({ name }) => name === 'a')?.draining).toBe(true)
  await eventually('it to let go of everything', () => first.sessions.count() === 0, 20_000)
  await first.failover.failback()
  await eventually('its share to come back', () => first.failover.status().homes > 0, 20_000)
  await spread(five, sessions)
})

test('draining waits for who has not got everything, and says how far it is', async () => {
  const four = await start(4)
  const sessions = await create(four, 40)
  await spread(four, sessions)
  const first = peer(four, 0)
  // Nobody can prove anything.
  const heal = four.network.drop(
    (parcel) => parcel.kind === 'request' && parcel.protocol === 'check' && parcel.from === 'a',
  )
  const drained = first.failover.drain({ timeoutMs: 1_000 })
  await expect(drained).rejects.toMatchObject({ code: 'FAILOVER_NOT_READY', message: /0 of \d+ sessions/ })
  expect(first.failover.status()).toMatchObject({ draining: true, handover: { state: 'failed', done: 0 } })
  await expect(first.failover.completed()).rejects.toMatchObject({ code: 'FAILOVER_NOT_READY' })
  heal()
  await first.failover.drain()
  expect(await first.failover.completed()).toMatchObject({ handover: { state: 'done' } })
})

test('who leaves keeps its copies for when it comes back', async () => {
  const four = await start(4)
  const sessions = await create(four, 40)
  await spread(four, sessions)
  const before = first(four).sessions.count()
  await first(four).failover.drain({ leaving: true })
  await eventually('it to keep no shard', () =>
    first(four)
      .replication.shards()
      .every(({ state }) => state === 'none' || state === 'partial'),
  )
  // The others confirm all of it again and again; it stays.
  for (let i = 0; i < 20; i++) await first(four).replication.forceSync()
  expect(first(four).sessions.count()).toBe(before)
})

test('a drain that is called off, or has nobody to hand over to, says so', async () => {
  const two = await start(2)
  await create(two, 10)
  two.network.drop((parcel) => parcel.kind === 'request' && parcel.protocol === 'check')
  const drained = first(two).failover.drain()
  drained.catch(() => {})
  await eventually('it to drain', () => first(two).failover.status().handover?.state === 'running')
  await first(two).failover.failback()
  await expect(drained).rejects.toMatchObject({ code: 'FAILOVER_NOT_READY', message: /called off/ })
  expect(first(two).failover.status().draining).toBe(false)
  await peer(two, 1).stop()
  await expect(first(two).failover.drain()).rejects.toMatchObject({ code: 'FAILOVER_NOT_READY' })
  expect(first(two).failover.status().draining).toBe(false)
})

test('when all drain at once none waits for ever', async () => {
  const three = await start(3)
  await create(three, 30)
  await Promise.all(three.peers.map((each) => each.failover.drain({ leaving: true, timeoutMs: 10_000 })))
  for (const each of three.peers) expect(each.sessions.count()).toBe(30)
})

test('a graceful failover proves that a peer that kept nothing of it has every home session, then hands over', async () => {
  const five = await start(5)
  const sessions = await create(five, 60)
  await spread(five, sessions)
  const homes = await first(five).sessions.list({ home: 'a' })
  const strange = await Promise.all(homes.map(async ({ id }) => !(await disksWith(five, id)).includes('b')))
  expect(strange).toContain(true)
  expect(await first(five).failover.graceful('b')).toMatchObject({ homes: 0, delegate: 'b', handover: { to: 'b' } })
  for (const { id } of homes) expect(await disksWith(five, id)).toContain('b')
  expect(await first(five).snapshots.list()).toMatchObject([{ own: true }])
  for (const { id } of homes) expect((await peer(five, 1).sessions.get(id)).home).toBe('b')
  await first(five).failover.failback()
  await spread(five, sessions)
})

test('a graceful failover to a peer that can not prove it hands nothing over', async () => {
  const five = await start(5)
  const sessions = await create(five, 60)
  await spread(five, sessions)
  five.network.drop((parcel) => parcel.kind === 'response' && parcel.protocol === 'check' && parcel.from === 'b')
  const before = first(five).failover.status().homes
  await expect(first(five).failover.graceful('b', { timeoutMs: 1_500 })).rejects.toMatchObject({
    code: 'FAILOVER_NOT_READY',
  })
  expect(first(five).failover.status()).toMatchObject({ homes: before, delegate: null })
  await spread(five, sessions)
})

function first(of: MemoryMesh): MeshPeer {
  return peer(of, 0)
}
