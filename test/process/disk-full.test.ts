// A full disk under a real peer: it goes on serving reads, says what is wrong, and comes back by itself. A limit on the
// size of files, set and lifted from outside, stands for the disk: it needs no disk of its own, and fails writes alike.
import { execFileSync } from 'node:child_process'
import { afterEach, expect, test } from 'vitest'
import type { HealthCheck, SessionView } from '../../node/api.ts'
import { startMesh, waitFor, type Mesh, type PeerProcess } from '../support/mesh.ts'

const LIMIT_BYTES = 200_000
const SESSIONS = 40

let mesh: Mesh
afterEach(() => mesh.close())

function limitFiles({ pid }: PeerProcess, bytes: number | 'unlimited'): void {
  execFileSync('prlimit', [`--pid=${pid}`, `--fsize=${bytes}:unlimited`])
}

async function statusOf(peer: PeerProcess, path: string, init?: RequestInit): Promise<number> {
  return (await fetch(peer.http + path, init)).status
}

function write(peer: PeerProcess, id: string, text: string): Promise<{ status: number; body: string }> {
  const body = JSON.stringify({ set: { text }, durability: 'local', timeoutMs: 2_000 })
  const headers = { 'content-type': 'application/json' }
  return fetch(`${peer.http}/v1/sessions/${id}`, { method: 'PATCH', headers, body }).then(async (response) => ({
    status: response.status,
    body: await response.text(),
  }))
}

test('a peer whose disk is full serves reads, and writes again once there is room', async () => {
  mesh = await startMesh(2)
  const [subject, other] = [mesh.peer(0), mesh.peer(1)]
  for (let i = 0; i < SESSIONS; i++) await subject.client.post('/v1/sessions', { id: `s${i}`, data: { text: 'first' } })
  await mesh.equal()

  limitFiles(subject, LIMIT_BYTES)
  const acknowledged = new Map<string, string>()
  const refusal = await waitFor(
    async () => {
      const id = `s${Math.floor(Math.random() * SESSIONS)}`
      const text = `${id} ${acknowledged.size} ${'x'.repeat(20_000)}`
      const { status, body } = await write(subject, id, text)
      if (status === 507) return body
      if (status === 200 && (JSON.parse(body) as { copies: number }).copies > 0) acknowledged.set(id, text)
      throw new Error('it has room yet')
    },
    { timeoutMs: 60_000, what: 'the disk to be full' },
  )
  expect(refusal).toContain('STORE_FULL')
  expect(await statusOf(subject, '/readyz')).toBe(503)
  const health = (await (await fetch(`${subject.http}/v1/health`)).json()) as HealthCheck
  expect(health.checks.find(({ name }) => name === 'store')).toMatchObject({
    ok: false,
    detail: expect.stringContaining('no room'),
  })
  expect((await subject.client.get<SessionView>('/v1/sessions/s1')).id).toBe('s1')
  // The others go on; what they write reaches the subject when it has room.
  await other.client.patch('/v1/sessions/s2', { set: { other: 1 } })

  limitFiles(subject, 'unlimited')
  await waitFor(async () => (await statusOf(subject, '/readyz')) === 200, {
    timeoutMs: 30_000,
    what: 'the peer to come back by itself',
  })
  expect((await write(subject, 's0', 'after')).status).toBe(200)
  acknowledged.set('s0', 'after')
  await mesh.equal()
  // From its own disk, not from memory.
  await Promise.all([subject.kill(), other.kill()])
  await subject.start()
  for (const [id, text] of acknowledged) {
    const { data } = await subject.client.get<{ data: { text: string } }>(`/v1/sessions/${id}`)
    expect(data.text.slice(0, 20), id).toBe(text.slice(0, 20))
  }
})
