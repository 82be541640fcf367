// docs/BACKUP.md on real processes: the loss of a disk, of a zone, of all processes, of all disks but one snapshot, and a mistake,
// each mended by the very commands that stand there.
import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, expect, test } from 'vitest'
import type { SessionHistory, SessionView, SnapshotInfo, SnapshotVerification } from '../../node/api.ts'
import { startMesh, statusOf, waitFor, type Mesh, type PeerProcess } from '../support/mesh.ts'

const ROOT = join(import.meta.dirname, '../..')
const run = promisify(execFile)
const cleanups: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup()
})

async function startThree(): Promise<Mesh> {
  const mesh = await startMesh(3)
  cleanups.push(() => mesh.close())
  return mesh
}

/** Runs the commands that stand in the document under this name. Returns what they print. */
async function commands(name: string, peer: PeerProcess, env: Record<string, string> = {}): Promise<string> {
  const text = await readFile(join(ROOT, 'docs/BACKUP.md'), 'utf8')
  const script = new RegExp(`<!-- run: ${name} -->\n\`\`\`sh\n([^]*?)\`\`\``).exec(text)?.[1]
  if (script === undefined) throw new Error(`docs/BACKUP.md has no commands for ${name}`)
  const directory = await mkdtemp(join(tmpdir(), 'sessionmesh-bin-'))
  cleanups.push(() => rm(directory, { recursive: true, force: true }))
  const node = join(ROOT, 'node_modules/.bin/node')
  const command = `#!/bin/sh\nexec ${node} ${join(ROOT, 'node/cli/main.ts')} "$@"\n`
  await writeFile(join(directory, 'sessionmesh'), command, { mode: 0o755 })
  const path = `${directory}:${process.env['PATH'] ?? ''}`
  const { stdout } = await run('sh', ['-ec', script], {
    env: { ...process.env, PATH: path, PEER: new URL(peer.http).host, ...env },
  })
  return stdout
}

async function write(peer: PeerProcess, from: number, to: number): Promise<void> {
  const writes = Array.from({ length: to - from }, (_, i) => ({
    session: `s${from + i}`,
    create: true,
    set: { n: from + i },
  }))
  const { results } = await peer.client.post<{ results: { receipt?: object }[] }>('/v1/batch', { writes })
  expect(results.filter(({ receipt }) => receipt === undefined)).toEqual([])
}

const hashOf = (peer: PeerProcess) => peer.client.get<{ sessions: number; hash: string }>('/v1/sessions-hash')

test('one disk is lost: the peer gets everything from the others', async () => {
  const mesh = await startThree()
  await write(mesh.peer(0), 0, 100)
  await mesh.equal()
  await commands('a zone', mesh.peer(1))
  await mesh.peer(0).kill()
  await rm(join(mesh.peer(0).dir, 'data'), { recursive: true })
  await mesh.peer(0).start()
  await mesh.formed()
  expect(await commands('one disk', mesh.peer(0))).toMatch(/count +100/)
  expect(await mesh.equal()).toBe(100)
})

test('a zone is lost with all its disks: the others serve everything, and give it all back', async () => {
  const zones = ['east', 'east', 'west', 'west']
  const mesh = await startMesh(4, (index) => ({
    SESSIONMESH_ZONE: zones[index] ?? '',
    SESSIONMESH_REPLICATION_FACTOR: '2',
  }))
  cleanups.push(() => mesh.close())
  const [east, west] = [mesh.peers.slice(0, 2), mesh.peers.slice(2)]
  await write(mesh.peer(0), 0, 100)
  await commands('one disk', mesh.peer(0)) // every session has its two replicas, one in each zone
  await Promise.all(east.map((peer) => peer.kill()))
  await Promise.all(east.map((peer) => rm(join(peer.dir, 'data'), { recursive: true })))

  const survivor = mesh.peer(2)
  await expectAll(survivor, 100)
  await write(survivor, 100, 120)
  expect(await commands('a zone', survivor)).toMatch(/west/)
  for (const peer of east) await peer.start()
  for (const peer of east) {
    for (const other of mesh.peers) {
      const seen = async () => other === peer || (await statusOf(peer, other)) === 'alive'
      await waitFor(seen, { timeoutMs: 30_000, what: `${other.name} to see ${peer.name}` })
    }
  }
  for (const peer of east) expect(await commands('one disk', peer)).toMatch(/healthy +true/)
  const held = async () => Promise.all(east.map(async (peer) => (await hashOf(peer)).sessions))
  await waitFor(async () => (await held()).reduce((sum, count) => sum + count) === 120, {
    timeoutMs: 30_000,
    what: 'one replica of every session in the zone that came back',
  })
  // Now the other zone: what it gave back must be all.
  await Promise.all(west.map((peer) => peer.kill()))
  await expectAll(mesh.peer(1), 120)
})

/** Every session from s0 on is served with its content. */
async function expectAll(peer: PeerProcess, count: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    expect((await peer.client.get<SessionView>(`/v1/sessions/s${n}/view`)).data).toEqual({ n })
  }
}

test('all processes are lost at once: the disks have it all', async () => {
  const mesh = await startThree()
  await write(mesh.peer(0), 0, 100)
  await mesh.equal()
  const before = await hashOf(mesh.peer(1))
  await Promise.all(mesh.peers.map((peer) => peer.kill()))
  await Promise.all(mesh.peers.map((peer) => peer.start()))
  expect(await commands('all processes', mesh.peer(1))).toMatch(/recovered +100/)
  await mesh.equal()
  expect(await hashOf(mesh.peer(1))).toEqual(before)
})

test('all disks are lost but one snapshot: the mesh is what the snapshot was, to the hash', async () => {
  const mesh = await startThree()
  const source = mesh.peer(0)
  await write(source, 0, 100)
  const printed = await commands('a copy', source)
  const id = /^id +(\S+)$/m.exec(printed)?.[1] ?? ''
  // Acknowledged later than the snapshot: what the document says is lost.
  await write(source, 100, 120)
  const verified = await source.client.post<SnapshotVerification>(`/v1/snapshots/${id}/verify`)
  expect(verified).toMatchObject({ id, sessions: 100 })
  const kept = await mkdtemp(join(tmpdir(), 'sessionmesh-kept-'))
  cleanups.push(() => rm(kept, { recursive: true, force: true }))
  await cp(join(source.dir, `data/snapshots/${id}.snapshot`), join(kept, `${id}.snapshot`))
  await Promise.all(mesh.peers.map((peer) => peer.kill()))
  for (const peer of mesh.peers) await rm(join(peer.dir, 'data'), { recursive: true })

  const target = mesh.peer(1)
  await mkdir(join(target.dir, 'data'))
  await cp(kept, join(target.dir, 'data/snapshots'), { recursive: true })
  // One after the other: with their disks they lost their names, and each must be told of those before it.
  for (const peer of mesh.peers) await peer.start()
  await mesh.formed()
  const restored = await commands('all disks', target)
  expect(restored).toMatch(/created +100/)
  expect(await mesh.equal()).toBe(100)
  for (const peer of mesh.peers) expect(await hashOf(peer)).toEqual({ sessions: 100, hash: verified.hash })
  expect((await mesh.peer(2).client.get<SessionView>('/v1/sessions/s99/view')).data).toEqual({ n: 99 })
  await expect(mesh.peer(2).client.get('/v1/sessions/s100/view')).rejects.toThrow(/SESSION_NOT_FOUND/)
})

test('periodic snapshots: what is lost with all disks was acknowledged after the time of the newest', async () => {
  const intervalMs = 1_000
  const mesh = await startMesh(3, { SESSIONMESH_SNAPSHOT_INTERVAL_MS: String(intervalMs) })
  cleanups.push(() => mesh.close())
  const source = mesh.peer(0)
  const acknowledged: number[] = []
  const until = Date.now() + 5 * intervalMs
  while (Date.now() < until) {
    await write(source, acknowledged.length, acknowledged.length + 1)
    acknowledged.push(Date.now())
  }
  // In mid-write, as it would be.
  const last = write(source, acknowledged.length, acknowledged.length + 1).catch(() => {})
  const killedAt = Date.now()
  await Promise.all(mesh.peers.map((peer) => peer.kill()))
  await last
  const kept = join(source.dir, 'kept')
  await cp(join(source.dir, 'data/snapshots'), kept, { recursive: true })
  for (const peer of mesh.peers) await rm(join(peer.dir, 'data'), { recursive: true })
  await mkdir(join(source.dir, 'data'))
  await cp(kept, join(source.dir, 'data/snapshots'), { recursive: true })

  for (const peer of mesh.peers) await peer.start()
  await mesh.formed()
  const [newest] = await source.client.get<SnapshotInfo[]>('/v1/snapshots')
  const at = newest?.at ?? 0
  await commands('all disks', source)
  const { hash } = await source.client.post<SnapshotVerification>(`/v1/snapshots/${newest?.id}/verify`)
  await mesh.equal()
  expect((await hashOf(source)).hash).toBe(hash)
  const restored = (await hashOf(source)).sessions
  const owed = acknowledged.filter((time) => time < at).length
  process.stdout.write(
    `of ${acknowledged.length} writes ${acknowledged.length - restored} are lost; the snapshot was ${killedAt - at} ms old\n`,
  )
  expect(owed).toBeGreaterThan(0)
  expect(restored).toBeGreaterThanOrEqual(owed)
  await expectAll(mesh.peer(1), owed)
})

test('a mistaken change is seen and taken back', async () => {
  const mesh = await startThree()
  const peer = mesh.peer(0)
  await peer.client.post('/v1/sessions', { id: 'cart', data: { items: 3 } })
  const before = await peer.client.get<SessionHistory>('/v1/sessions/cart/history')
  const at = Math.ceil(before.entries.at(-1)?.at ?? 0)
  await peer.client.patch('/v1/sessions/cart', { set: { items: 0 } })
  const printed = await commands('a mistake', peer, { SESSION: 'cart', BEFORE: String(at) })
  expect(printed).toContain('data.items: 3 → 0')
  expect((await mesh.peer(1).client.get<SessionView>('/v1/sessions/cart/view')).data).toEqual({ items: 3 })
})
