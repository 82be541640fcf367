// Sessions come to their end in real processes: by themselves on every peer, and for good, also for a peer that was killed
// before they were deleted and comes back when nobody remembers that any more.
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { PurgeReport, RestoreReport, SessionView, SnapshotInfo, SyncProgress } from '../../node/api.ts'
import { startMesh, waitFor, type Mesh, type PeerProcess } from '../support/mesh.ts'

/** Settings of every peer, by the environment that the processes inherit. */
const SETTINGS = {
  SESSIONMESH_TOMBSTONE_RETENTION_MS: '3000',
  SESSIONMESH_TERMINATED_HISTORY_MS: '0',
  SESSIONMESH_CLOCK_SKEW_MAX_MS: '100',
  SESSIONMESH_EXPIRY_PATIENCE_MS: '0',
  SESSIONMESH_RETURN_PATIENCE_MS: '500',
  SESSIONMESH_SNAPSHOT_INTERVAL_MS: '0',
}
const WAIT = { timeoutMs: 30_000 }

let mesh: Mesh
beforeAll(async () => {
  Object.assign(process.env, SETTINGS)
  mesh = await startMesh(3)
})
afterAll(async () => {
  await mesh.close()
  for (const name of Object.keys(SETTINGS)) delete process.env[name]
})

/** What a peer answers for a session. */
const answerOf = (peer: PeerProcess, id: string): Promise<string> =>
  peer.client.get<SessionView>(`/v1/sessions/${id}`).then(
    () => 'served',
    (error: Error) => error.message,
  )

test('a session that nobody touches ends on every peer; one that is touched does not', async () => {
  const [first, second] = [mesh.peer(0), mesh.peer(1)]
  for (const id of ['idle', 'touched']) {
    await first.client.post('/v1/sessions', { id, ttlMs: 2_500, durability: 3 })
  }
  const isOver = async (peer: PeerProcess) => {
    await second.client.post('/v1/sessions/touched/touch')
    return (await answerOf(peer, 'idle')).includes('410') && (await answerOf(peer, 'idle')).includes('expired at')
  }
  for (const peer of mesh.peers) await waitFor(() => isOver(peer), { ...WAIT, what: `the end on ${peer.name}` })
  for (const peer of mesh.peers) expect(await answerOf(peer, 'touched')).toBe('served')
  await second.client.patch('/v1/sessions/touched', { ttlMs: null })
})

test('a peer that was away longer than deletions are remembered brings nothing back, and loses nothing', async () => {
  const [first, second, away] = [mesh.peer(0), mesh.peer(1), mesh.peer(2)]
  for (const id of ['deleted', 'kept']) await first.client.post('/v1/sessions', { id, durability: 3 })
  const ended = () => first.client.post<PurgeReport>('/v1/purge', { dryRun: true })
  await away.kill()
  await fetch(`${first.http}/v1/sessions/deleted`, { method: 'DELETE' })
  expect((await ended()).tombstones).toBeGreaterThan(0)
  for (const peer of [first, second]) {
    const isForgotten = async () => (await answerOf(peer, 'deleted')).includes('SESSION_NOT_FOUND')
    await waitFor(isForgotten, { ...WAIT, what: `${peer.name} to forget it` })
  }
  await away.restart()
  await mesh.formed()
  await waitFor(() => mesh.equal(), { ...WAIT, what: 'all to be equal' })
  for (const peer of mesh.peers) {
    expect(await answerOf(peer, 'deleted')).toContain('SESSION_NOT_FOUND')
    expect(await answerOf(peer, 'kept')).toBe('served')
  }
  const [file] = await away.client.get<SnapshotInfo[]>('/v1/snapshots')
  expect(file).toMatchObject({ kind: 'aside', damage: null })
  const dryRun = await away.client.post<RestoreReport>(`/v1/snapshots/${file?.id}/restore`, { dryRun: true })
  expect(dryRun).toMatchObject({ sessions: file?.sessions, refused: 0 })
  expect((await away.client.get<SyncProgress>('/v1/replication/progress')).total).toBe(2)
})
