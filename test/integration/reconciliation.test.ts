// Comparing and repairing on request, on the in-memory network without gossip or heartbeats to do it by themselves.
import { afterEach, expect, test } from 'vitest'
import type { SyncProgress } from '../../node/api.ts'
import type { MeshPeer } from '../../node/peer.ts'
import { eventually, startMemoryMesh, type MemoryMesh } from '../support/memory-mesh.ts'

let mesh: MemoryMesh | undefined
afterEach(async () => {
  await mesh?.stop()
  mesh = undefined
})

/** Two peers that don't repair by themselves for long, each with a session that the other has not got. */
async function startDiffering(): Promise<{ readonly two: MemoryMesh; readonly peers: readonly [MeshPeer, MeshPeer] }> {
  const two = await startMemoryMesh(2, { heartbeatIntervalMs: 100, syncIntervalMs: 500 })
  mesh = two
  const peers = two.peers as unknown as readonly [MeshPeer, MeshPeer]
  const { session } = await peers[0].sessions.create('both', { durability: 2 })
  session.close()
  await eventually('both to keep everything', () =>
    peers.every((each) =>
      each.replication.shards().every(({ replicas }) => replicas.every(({ state }) => state === 'complete')),
    ),
  )
  two.network.drop((parcel) => parcel.kind === 'gossip' && parcel.topic.startsWith('shard/'))
  two.network.drop((parcel) => parcel.kind === 'request' && isBlocked && ['pull', 'push'].includes(parcel.protocol))
  for (const [index, peer] of peers.entries()) {
    const made = await peer.sessions.create(`only-${index}`, { durability: 'local' })
    made.session.close()
  }
  return { two, peers }
}

/** Whether repair can look but not touch. */
let isBlocked = false

test('validate names what differs, in both directions, and changes nothing; reconcile makes it equal', async () => {
  isBlocked = true
  const { peers } = await startDiffering()
  const told: SyncProgress[] = []
  const report = await peers[0].replication.validateConsistency({ onProgress: (progress) => void told.push(progress) })
  expect(report).toMatchObject({ consistent: false, peers: ['b'], unanswered: [], inconsistentCount: 2 })
  expect(report.inconsistent).toEqual([
    { session: 'only-0', peers: ['b'] },
    { session: 'only-1', peers: ['b'] },
  ])
  expect(told[0]).toEqual({ done: 0, total: told.at(-1)?.total })
  expect(told.at(-1)?.done).toBe(told.at(-1)?.total)
  expect(peers.map((each) => each.sessions.count())).toEqual([2, 2])
  await eventually('the difference to be pending', () => peers[0].sync.status().pendingCount === 1)
  expect(peers[0].sync.pending()).toMatchObject([{ name: 'b', pendingFrames: expect.any(Number) }])
  isBlocked = false
  expect(await peers[0].replication.reconcile()).toMatchObject({ peers: ['b'], refused: [], unanswered: [] })
  expect(peers.map((each) => each.sessions.count())).toEqual([3, 3])
  expect(await peers[0].replication.validateConsistency()).toMatchObject({ consistent: true, sessions: 3 })
})

test('a transfer is forced to one peer by name; who does not answer is named', async () => {
  isBlocked = false
  const { two, peers } = await startDiffering()
  expect(await peers[0].sync.forceTransfer('b')).toEqual({ done: 1, total: 1 })
  expect(peers.map((each) => each.sessions.count())).toEqual([3, 3])
  await expect(peers[0].sync.forceTransfer('x')).rejects.toMatchObject({ code: 'PEER_NOT_FOUND' })
  two.network.drop((parcel) => parcel.kind === 'request' && parcel.protocol === 'tree')
  const report = await peers[0].replication.validateConsistency()
  expect(report).toMatchObject({ consistent: false, unanswered: ['b'], inconsistentCount: 0 })
})
