// Homes that die: what they leave behind is orphaned until somebody has made sure that nothing newer is anywhere.
import { afterEach, expect, test } from 'vitest'
import type { Priority } from '../../node/api.ts'
import type { MeshPeer } from '../../node/peer.ts'
import { eventually, startMemoryMesh, type MemoryMesh } from '../support/memory-mesh.ts'

const PRIORITIES: readonly Priority[] = ['critical', 'high', 'normal', 'low']
const SESSIONS = 40

let mesh: MemoryMesh | undefined
afterEach(async () => {
  await mesh?.stop()
  mesh = undefined
})

async function start(count: number, options = {}): Promise<MemoryMesh> {
  mesh = await startMemoryMesh(count, { heartbeatIntervalMs: 100, suspicionTimeoutMs: 200, ...options })
  return mesh
}

/** Sessions of every priority, in an order that has nothing to do with it; some are pinned to the first peer. */
async function fill({ peers }: MemoryMesh): Promise<void> {
  for (let i = 0; i < SESSIONS; i++) {
    const priority = PRIORITIES[(i * 3) % 4] ?? 'normal'
    const pin = i % 8 === 0 ? { pin: peers[0]?.id ?? '' } : {}
    const options = { priority, durability: 'all' as const, ...pin }
    const { session } = (await peers[i % peers.length]?.sessions.create(`s${i}`, options)) ?? {}
    session?.close()
  }
}

/** Cuts it off for good; returns the others. */
function kill({ network, peers }: MemoryMesh, victim: MeshPeer): MeshPeer[] {
  const rest = peers.filter((peer) => peer !== victim)
  for (const { name } of rest) network.cut(victim.name, name)
  return rest
}

/** All of it, and nothing else. */
function holdsItsOwn({ id, replication }: MeshPeer): boolean {
  return replication.shards().every(({ state, replicas }) => {
    return state === (replicas.some(({ peer }) => peer === id) ? 'complete' : 'none')
  })
}

/** Sessions whose home is this peer, by everyone's calculation. */
async function homesOf(peer: MeshPeer): Promise<string[]> {
  return (await peer.sessions.list({ home: peer.id })).map(({ id }) => id)
}

test('new homes take sessions through failover and recovering to active, the most important first', async () => {
  const three = await start(3)
  await fill(three)
  const victim = three.peers[0] as MeshPeer
  const lost = await homesOf(victim)
  const begun: string[] = []
  const adopted: { session: string; rank: number; at: string }[] = []
  const rest = kill(three, victim)
  const ranks = new Map((await rest[0]?.sessions.list())?.map(({ id, priority }) => [id, PRIORITIES.indexOf(priority)]))
  for (const { name, on } of rest.map((peer) => ({ name: peer.name, on: peer.on.bind(peer) }))) {
    on('transition', ({ session, transition: { from, to, cause } }) => {
      if (from === 'failover' && to === 'recovering') begun.push(session)
      if (from === 'recovering' && to === 'active') {
        expect(cause).toBe('adopted')
        adopted.push({ session, rank: ranks.get(session) ?? -1, at: name })
      }
    })
  }
  await eventually('all to be adopted', () => adopted.length === lost.length)
  expect(adopted.map(({ session }) => session).toSorted()).toEqual(lost.toSorted())
  expect(begun.toSorted()).toEqual(lost.toSorted())
  for (const { name } of rest) {
    const order = adopted.filter(({ at }) => at === name).map(({ rank }) => rank)
    expect(order).toEqual(order.toSorted((a, b) => a - b))
  }
  await eventually('nothing to be orphaned', () => rest.every(({ sessions }) => sessions.status().orphaned === 0))
  const view = await rest[0]?.sessions.get(lost[0] ?? '')
  expect(view?.state).toBe('active')
})

test('a session is orphaned as long as its new home has not got it, and served all the same', async () => {
  // The second of a zone keeps nothing, until the first is gone.
  const three = await start(0, { replicationFactor: 2, shardCount: 32 })
  for (const zone of ['north', 'north', 'south']) await three.add({ zone })
  await fill(three)
  await eventually('each to hold its own', () => three.peers.every(holdsItsOwn), 20_000)
  const victim = three.peers[0] as MeshPeer
  const undrop = three.network.drop((parcel) => parcel.kind === 'request' && parcel.protocol === 'tree')
  const rest = kill(three, victim)
  const reasonAt = ({ sessions }: MeshPeer, reason: string) =>
    sessions.orphaned().sessions.find((orphan) => orphan.reason.includes(reason))
  await eventually('the reason to be known', () => rest.some((peer) => reasonAt(peer, 'is still getting it')))
  const holder = rest.find((peer) => reasonAt(peer, 'who is to keep it')) as MeshPeer
  const home = rest.find((peer) => peer !== holder) as MeshPeer
  const orphan = reasonAt(holder, 'who is to keep it')
  expect(orphan).toMatchObject({
    lastHome: victim.id,
    home: home.id,
    reason: `${home.name}, who is to keep it, is still getting it`,
  })
  const session = await home.sessions.open(orphan?.session ?? '')
  expect(await session.set('x', 1)).toMatchObject({ copies: 2 })
  session.close()
  const { count } = holder.sessions.orphaned()
  expect(holder.sessions.status().orphaned).toBe(count)
  expect(holder.sessions.orphaned({ limit: 1 }).sessions).toHaveLength(1)
  undrop()
  await eventually('all to be adopted', () => rest.every(({ sessions }) => sessions.orphaned().count === 0))
})

test('without autoReconciliation sessions are adopted when somebody says so', async () => {
  const three = await start(3, { autoReconciliation: false })
  await fill(three)
  const victim = three.peers[0] as MeshPeer
  const lost = await homesOf(victim)
  const rest = kill(three, victim)
  await eventually('the death to be seen', () =>
    rest.every(({ sessions }) => sessions.orphaned().count === lost.length),
  )
  for (const { sessions } of rest) {
    expect(sessions.orphaned().sessions[0]?.reason).toContain('autoReconciliation is off')
  }
  for (const { sessions } of rest) {
    expect(await sessions.adoptOrphaned()).toEqual({ adopted: lost.length, orphaned: 0 })
    expect(sessions.orphaned()).toEqual({ count: 0, sessions: [] })
  }
})

test('the last copy of a session whose replicas have all died is orphaned until its new home has it', async () => {
  const six = await start(6, { shardCount: 1, replicationFactor: 2 })
  const replicas = six.peers[0]?.replication.shards()[0]?.replicas.map(({ peer }) => peer) ?? []
  const [first, second] = six.peers.filter(({ id }) => replicas.includes(id)) as [MeshPeer, MeshPeer]
  const last = six.peers.find(({ id }) => !replicas.includes(id)) as MeshPeer
  const { session } = await last.sessions.create('s')
  expect(await session.set('x', 1, { durability: 'all' })).toMatchObject({ copies: 3 })
  for (const victim of [first, second]) for (const { name } of six.peers) six.network.cut(victim.name, name)
  await eventually('it to be orphaned', () => last.sessions.orphaned().count === 1)
  expect(last.sessions.orphaned().sessions[0]?.session).toBe('s')
  await eventually('its new home to have it', () => last.sessions.orphaned().count === 0)
  const { home } = await last.sessions.get('s')
  const keeper = six.peers.find(({ id }) => id === home) as MeshPeer
  expect(keeper.sessions.count()).toBe(1)
  session.close()
})

test('homes that are handed over orphan nothing', async () => {
  const three = await start(3)
  await fill(three)
  const [from, to] = three.peers as [MeshPeer, MeshPeer]
  await from.failover.graceful(to.name, { snapshot: false })
  await eventually('the homes to have moved', () => from.failover.status().homes === 0)
  for (const { sessions } of three.peers) expect(sessions.status().orphaned).toBe(0)
  for (const { state } of await to.sessions.list()) expect(state).toBe('active')
})
