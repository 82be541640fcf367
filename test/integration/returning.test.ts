// Coming back after a time longer than deletions are remembered: nothing that was deleted meanwhile comes back, and nothing
// else is lost.
import { afterEach, expect, test } from 'vitest'
import type { PeerOptions } from '../../node/config.ts'
import type { MeshPeer } from '../../node/peer.ts'
import { systemClock, type Clock } from '../../node/ports/clock.ts'
import type { SnapshotTarget } from '../../node/ports/snapshot-target.ts'
import { createMemoryTarget } from '../../node/snapshots/memory-target.ts'
import { createMemoryStore, type MemoryStore } from '../../node/store/memory.ts'
import { createMemoryNetwork, type MemoryNetwork } from '../../transport/memory/index.ts'
import { eventually, eventuallyAsync, memoryPeer } from '../support/memory-mesh.ts'

const OPTIONS: PeerOptions = {
  shardCount: 4,
  tombstoneRetentionMs: 1_500,
  terminatedHistoryMs: 0,
  clockSkewMaxMs: 20,
  snapshotIntervalMs: 0,
}

interface Machine {
  readonly store: MemoryStore
  readonly target: SnapshotTarget
  peer: MeshPeer
}

/** By how much the time of day of all peers is ahead: years pass at once. */
let aheadMs = 0
const clock: Clock = { ...systemClock, now: () => systemClock.now() + aheadMs }
const A_YEAR_MS = 365 * 86_400_000

let network: MemoryNetwork
let machines: Machine[] = []
let returnPatienceMs = 300
/** Who said that it waits for somebody, and for whom. */
let awaited: string[] = []
afterEach(async () => {
  returnPatienceMs = 300
  awaited = []
  await Promise.all(machines.map(({ peer }) => peer.stop()))
  machines = []
})

function make(name: string, store: MemoryStore, target: SnapshotTarget): MeshPeer {
  const log = (_level: string, _message: string, { missing = [] }: { missing?: readonly string[] } = {}) => {
    awaited.push(...missing.map((peer) => `${name} ${peer}`))
  }
  const ports = { snapshotTarget: target, clock, log }
  return memoryPeer(network.transport(name), store, { name, returnPatienceMs, ...OPTIONS }, ports)
}

async function start(...names: string[]): Promise<Machine[]> {
  network = createMemoryNetwork({ timers: systemClock })
  for (const name of names) {
    const [store, target] = [createMemoryStore(), createMemoryTarget()]
    const machine = { store, target, peer: make(name, store, target) }
    machines.push(machine)
    await machine.peer.start()
  }
  await together(machines)
  return machines
}

async function again(machine: Machine): Promise<void> {
  machine.peer = make(machine.peer.name, machine.store, machine.target)
  await machine.peer.start()
}

const together = (all: readonly Machine[]) =>
  eventually('the mesh to form', () =>
    all.every(({ peer }) => peer.members().filter(({ status }) => status === 'alive').length === all.length),
  )

const codeOf = (peer: MeshPeer, id: string): Promise<string> =>
  peer.sessions.get(id).then(
    () => 'served',
    (error: { code: string }) => error.code,
  )

/** Deletions that are older are no longer remembered. */
async function forgotten(peer: MeshPeer): Promise<void> {
  await eventuallyAsync('the tombstones to be forgotten', async () => {
    return (await peer.store.purge({ dryRun: true })).tombstones === 0
  })
}

test('what was deleted and forgotten meanwhile stays deleted; what nobody else knows is set aside, and can be had back', async () => {
  const [one, other, away] = await start('a', 'b', 'c')
  if (one === undefined || other === undefined || away === undefined) return
  for (const id of ['deleted', 'kept']) {
    const { session } = await one.peer.sessions.create(id, { durability: 'all' })
    session.close()
  }
  for (const { id } of [one.peer, other.peer]) network.cut(away.peer.id, id)
  // Only on its own disk: nobody else has heard of it.
  await away.peer.sessions.create('own', { data: { n: 1 }, durability: 'local' })
  await away.peer.stop()
  await one.peer.sessions.terminate('deleted')
  await forgotten(one.peer)
  await forgotten(other.peer)
  network.heal()
  await again(away)
  await together([one, other, away])
  for (const { peer } of [one, other, away]) {
    expect(await codeOf(peer, 'deleted')).toBe('SESSION_NOT_FOUND')
    expect(await codeOf(peer, 'kept')).toBe('served')
    expect(await codeOf(peer, 'own')).toBe('SESSION_NOT_FOUND')
  }
  const [file] = await away.peer.snapshots.list()
  expect(file).toMatchObject({ kind: 'aside', sessions: 2, damage: null })
  const report = await away.peer.snapshots.restore(file?.id ?? '', { session: 'own' })
  expect(report).toMatchObject({ sessions: 1, created: 1 })
  for (const { peer } of [one, other, away]) {
    await eventuallyAsync('it to be back', async () => (await codeOf(peer, 'own')) === 'served')
  }
})

test('a tombstone that is still there is taken over before anything is shown', async () => {
  const [one, away] = await start('a', 'b')
  if (one === undefined || away === undefined) return
  await one.peer.sessions.create('young', { durability: 'all' })
  await away.peer.stop()
  aheadMs += A_YEAR_MS
  await one.peer.sessions.terminate('young')
  await again(away)
  await eventually('it to be shown', () => away.peer.health.check().healthy)
  expect(await codeOf(away.peer, 'young')).toBe('SESSION_TERMINATED')
})

test('when all were away nothing is lost, whoever comes first', async () => {
  const [one, other] = await start('a', 'b')
  if (one === undefined || other === undefined) return
  await one.peer.sessions.create('both', { durability: 'all' })
  network.cut('a', 'b')
  await one.peer.sessions.create('one', { durability: 'local' })
  await other.peer.sessions.create('other', { durability: 'local' })
  await Promise.all([one.peer.stop(), other.peer.stop()])
  network.heal()
  aheadMs += A_YEAR_MS
  await again(one)
  expect(await codeOf(one.peer, 'both')).toBe('PEER_RETURNING')
  expect(one.peer.health.detailed().checks).toContainEqual(expect.objectContaining({ name: 'returning', ok: false }))
  await again(other)
  await together([one, other])
  for (const { peer } of [one, other]) {
    for (const id of ['both', 'one', 'other']) {
      await eventuallyAsync(`${id} to be served`, async () => (await codeOf(peer, id)) === 'served')
    }
    expect(await peer.snapshots.list()).toEqual([])
  }
})

test('all that were here are waited for, and nobody longer than that', async () => {
  returnPatienceMs = 3_600_000
  const [one, other, third] = await start('a', 'b', 'c')
  if (one === undefined || other === undefined || third === undefined) return
  await one.peer.sessions.create('s', { durability: 'all' })
  await Promise.all([one, other, third].map(({ peer }) => peer.stop()))
  aheadMs += A_YEAR_MS
  await again(one)
  await again(other)
  await eventually('both to miss the third, and nobody else', () =>
    ['a', 'b'].every((name) => awaited.findLast((who) => who.startsWith(name)) === `${name} ${third.peer.id}`),
  )
  for (const { peer } of [one, other]) expect(await codeOf(peer, 's')).toBe('PEER_RETURNING')
  await again(third)
  await together([one, other, third])
  for (const { peer } of [one, other, third]) expect(await codeOf(peer, 's')).toBe('served')
})

test('a peer that meets nobody shows nothing until somebody says that nobody will come', async () => {
  const [one, other] = await start('a', 'b')
  if (one === undefined || other === undefined) return
  await one.peer.sessions.create('s', { durability: 'all' })
  await Promise.all([one.peer.stop(), other.peer.stop()])
  aheadMs += A_YEAR_MS
  await again(one)
  expect(await codeOf(one.peer, 's')).toBe('PEER_RETURNING')
  await expect(one.peer.sessions.create('new')).rejects.toMatchObject({ code: 'PEER_RETURNING' })
  expect(one.peer.recovery.accept()).toEqual({ accepted: true })
  await eventually('it to be shown', () => one.peer.health.check().healthy)
  expect(await codeOf(one.peer, 's')).toBe('served')
  expect(one.peer.recovery.accept()).toEqual({ accepted: false })
})

test('a peer that was away shortly, or has never met another, shows what it holds at once', async () => {
  const [one] = await start('a')
  if (one === undefined) return
  await one.peer.sessions.create('s', { durability: 'local' })
  await one.peer.stop()
  aheadMs += A_YEAR_MS
  await again(one)
  expect(await codeOf(one.peer, 's')).toBe('served')
})
