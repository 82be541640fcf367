// SIGTERM on real peers: what they hold goes to the others before they go, and a second signal cuts that short.
import { once } from 'node:events'
import { afterEach, expect, test } from 'vitest'
import type { FailoverStatus, ShardStatus } from '../../node/api.ts'
import { startMesh, statusOf, waitFor, type Mesh, type PeerProcess } from '../support/mesh.ts'

const SESSIONS = 300

let mesh: Mesh
afterEach(() => mesh.close())

test('one peer after the other gets a SIGTERM: with factor 2 nothing is ever on fewer disks of those that stay', async () => {
  mesh = await startMesh(4, { SESSIONMESH_REPLICATION_FACTOR: '2', SESSIONMESH_SHARD_COUNT: '16' })
  await write(mesh.peer(0))
  const left: PeerProcess[] = [...mesh.peers]
  while (left.length > 2) {
    const leaver = left.shift() as PeerProcess
    await leaver.leave()
    expect(leaver.child.exitCode).toBe(0)
    // No time for repair: whoever leaves next may be the only other that had it.
    for (const peer of left) expect(await statusOf(leaver, peer)).toBe('left')
    const shards = await left[0]?.client.get<ShardStatus[]>('/v1/replication/shards')
    for (const { replicas } of shards ?? []) {
      expect(replicas).toHaveLength(2)
      expect(replicas.every(({ state }) => state === 'complete')).toBe(true)
    }
  }
  const [survivor, last] = left as [PeerProcess, PeerProcess]
  await last.leave()
  await waitFor(async () => (await statusOf(last, survivor)) === 'left', { timeoutMs: 10_000, what: 'it to leave' })
  expect(await survivor.client.get('/v1/sessions/count')).toEqual({ count: SESSIONS })
})

test('a second signal ends a drain that gets nowhere, and so does its deadline', async () => {
  mesh = await startMesh(2, { SESSIONMESH_DRAIN_TIMEOUT_MS: '5000', SESSIONMESH_SUSPICION_TIMEOUT_MS: '60000' })
  const [first, hung] = [mesh.peer(0), mesh.peer(1)]
  await write(first)
  hung.stop()
  process.kill(first.pid, 'SIGTERM')
  await waitFor(async () => (await handover(first))?.state === 'running', { timeoutMs: 4_500, what: 'the drain' })
  const exit = once(first.child, 'exit')
  process.kill(first.pid, 'SIGINT')
  expect(await exit).toEqual([1, null])
  hung.cont()
  await first.start()
  await mesh.formed()
  hung.stop()
  const left = once(first.child, 'exit')
  process.kill(first.pid, 'SIGTERM')
  expect(await left).toEqual([0, null])
  hung.cont()
})

async function write(peer: PeerProcess): Promise<void> {
  const writes = Array.from({ length: SESSIONS }, (_, i) => ({ session: `s${i}`, set: { n: i }, create: true }))
  await peer.client.post('/v1/batch', { writes })
  await peer.client.post('/v1/replication/ensure-synced')
}

async function handover(peer: PeerProcess): Promise<FailoverStatus['handover']> {
  return (await peer.client.get<FailoverStatus>('/v1/failover')).handover
}
