// What an exchange sends: only what the other side lacks, and nothing of what is equal.
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { MeshPeer } from '../../../node/peer.ts'
import type { Parcel } from '../../../transport/memory/network.ts'
import { PullResponse, PushRequest } from '../../../transport/wire/messages.js'
import { eventually, eventuallyAsync, startMemoryMesh, type MemoryMesh } from '../../support/memory-mesh.ts'

const LONG = 'what both have had for long '.repeat(5_000)
type Direct = Exclude<Parcel, { kind: 'gossip' }>

let mesh: MemoryMesh
let sent: Direct[]
beforeEach(async () => {
  mesh = await startMemoryMesh(2, { syncIntervalMs: 100, heartbeatIntervalMs: 100, suspicionTimeoutMs: 300 })
  sent = []
  mesh.network.drop((parcel) => {
    if (parcel.kind !== 'gossip' && ['tree', 'pull', 'push'].includes(parcel.protocol)) sent.push(parcel)
    return false
  })
})
afterEach(() => mesh.stop())

function pair(): [MeshPeer, MeshPeer] {
  const [a, b] = mesh.peers
  if (a === undefined || b === undefined) throw new Error('the mesh is not whole')
  return [a, b]
}

async function apart(change: (a: MeshPeer, b: MeshPeer) => Promise<void>): Promise<void> {
  const [a, b] = pair()
  mesh.network.cut('a', 'b')
  await eventually('them to miss each other', () => [a, b].every((peer) => aliveOthers(peer) === 0))
  await change(a, b)
  sent.length = 0
  mesh.network.heal()
  await eventuallyAsync('them to be equal', async () => {
    const [one, other] = await Promise.all([a.sessions.contentHash(), b.sessions.contentHash()])
    return one.hash === other.hash && aliveOthers(a) + aliveOthers(b) === 2
  })
}

function aliveOthers(peer: MeshPeer): number {
  return peer.members().filter(({ status }) => status === 'alive').length - 1
}

const bytesSent = () => sent.reduce((sum, { bytes }) => sum + bytes.length, 0)

const pushedBy = (peer: string) =>
  sent
    .filter(({ kind, protocol, from }) => kind === 'request' && protocol === 'push' && from === peer)
    .flatMap(({ bytes }) => PushRequest.decode(bytes).entries)

const pulledFrom = (peer: string) =>
  sent
    .filter(({ kind, protocol, from }) => kind === 'response' && protocol === 'pull' && from === peer)
    .flatMap(({ bytes }) => PullResponse.decode(bytes).sessions)

async function createLong(): Promise<void> {
  const { session } = await pair()[0].sessions.create('long', { data: { text: LONG, old: 1 }, durability: 2 })
  await session.delete('old')
  session.close()
  await eventuallyAsync('both to have it', async () => {
    const [a, b] = pair()
    return (await a.sessions.contentHash()).hash === (await b.sessions.contentHash()).hash
  })
}

async function set(peer: MeshPeer, key: string): Promise<void> {
  const session = await peer.sessions.open('long')
  await session.set(key, 1, { durability: 'local' })
  session.close()
}

test('of a session in which the two differ a little, only that goes over the wire', async () => {
  await createLong()
  await apart(async (a, b) => {
    await set(a, 'by a')
    await set(b, 'by b')
  })
  const updates = [...pushedBy('a'), ...pushedBy('b'), ...pulledFrom('a'), ...pulledFrom('b')]
  expect(updates.length).toBeGreaterThan(0)
  for (const { update } of updates) expect(update.length).toBeLessThan(100)
  expect(bytesSent()).toBeLessThan(5_000)
})

test('who has nothing that the other lacks sends nothing, whoever asks', async () => {
  await createLong()
  await apart((a) => set(a, 'by a'))
  expect(pushedBy('b')).toEqual([])
  for (const { update } of pulledFrom('b')) expect(update.length).toBeLessThan(20)
  await apart((_a, b) => set(b, 'by b'))
  expect(pushedBy('a')).toEqual([])
  for (const { update } of pulledFrom('a')) expect(update.length).toBeLessThan(20)
})

test('what one has deleted reaches the other, though its state vector is the same', async () => {
  await createLong()
  await apart(async (_a, b) => {
    const session = await b.sessions.open('long')
    await session.delete('text', { durability: 'local' })
    session.close()
  })
  await apart(async (a) => {
    await set(a, 'later')
    const session = await a.sessions.open('long')
    await session.delete('later', { durability: 'local' })
    session.close()
  })
  for (const peer of pair()) expect((await peer.sessions.get('long')).data).toEqual({})
})

test('of shards that are equal the hash alone is sent', async () => {
  const [a] = pair()
  for (let i = 0; i < 200; i++) {
    const { session } = await a.sessions.create(`session-of-a-shard-that-is-equal-${i}`, { durability: 2 })
    session.close()
  }
  await createLong()
  sent.length = 0
  await a.replication.forceSync()
  expect(sent.length).toBeGreaterThan(0)
  expect(bytesSent()).toBeLessThan(2_000)
})
