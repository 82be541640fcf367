// The HTTP admin's routes before a real peer.
import { get } from 'node:http'
import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { buildAdmin, startAdmin } from '../../../node/admin/server.ts'
import type { Peer } from '../../../node/api.ts'
import { systemClock } from '../../../node/ports/clock.ts'
import { createMemoryNetwork } from '../../../transport/memory/index.ts'
import { startPeer } from './peer.ts'

const network = createMemoryNetwork({ timers: systemClock })
const access = { host: '127.0.0.1', allowedOrigins: [] }
let peer: Peer
let app: FastifyInstance
beforeAll(async () => {
  peer = await startPeer('a', network)
  app = buildAdmin({ ...access, peer, port: 0 })
})
afterAll(async () => {
  await app.close()
  await peer.stop()
})

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE'

async function call(method: Method, url: string, payload?: object): Promise<{ status: number; body: unknown }> {
  const reply = await app.inject({
    method,
    url,
    headers: { host: '127.0.0.1:7700' },
    ...(payload === undefined ? {} : { payload }),
  })
  return { status: reply.statusCode, body: reply.json() }
}

test('a session is created, read, changed and terminated', async () => {
  const id = 'cart:42/%x'
  const path = `/v1/sessions/${encodeURIComponent(id)}`
  const created = await call('POST', '/v1/sessions', { id, data: { items: 1, gone: true }, priority: 'high' })
  expect(created).toMatchObject({ status: 201, body: { session: id, copies: 1, degraded: true } })
  const changed = await call('PATCH', path, { set: { items: 2, list: [1, { a: null }] }, delete: ['gone'] })
  expect(changed).toMatchObject({ status: 200, body: { session: id } })
  const { body } = await call('GET', path)
  expect(body).toMatchObject({ id, priority: 'high', data: { items: 2, list: [1, { a: null }] } })
  expect(body).not.toHaveProperty('data.gone')
  expect(await call('DELETE', `${path}?durability=1&strict=true&timeoutMs=100`)).toMatchObject({ status: 200 })
  await vi.waitFor(async () => {
    expect(await call('GET', path)).toMatchObject({ status: 410, body: { error: { code: 'SESSION_TERMINATED' } } })
  })
})

test('reads and writes take the token of an earlier answer, and refuse what is none', async () => {
  const created = await call('POST', '/v1/sessions', { id: 'causal', data: { n: 1 } })
  const { token } = created.body as { token: string }
  const path = '/v1/sessions/causal'
  const read = await call('GET', `${path}?after=${token}&freshness=quorum&timeoutMs=100`)
  expect(read).toMatchObject({ status: 200, body: { data: { n: 1 }, token } })
  const changed = await call('PATCH', path, { delete: ['n'], after: token, freshness: 'quorum' })
  expect(changed.status).toBe(200)
  const { token: later } = changed.body as { token: string }
  expect(later).not.toBe(token)
  const { body } = await call('POST', '/v1/read', { sessions: ['causal', { id: 'causal', after: later }] })
  expect(body).toMatchObject({ results: [{ view: { token: later } }, { view: { token: later } }] })
  const wrong = { status: 400, body: { error: { code: 'INVALID_TOKEN' } } }
  expect(await call('GET', `${path}?after=${later.slice(1)}`)).toMatchObject(wrong)
  expect(await call('PATCH', path, { set: { n: 2 }, after: 'x' })).toMatchObject(wrong)
  expect(await call('DELETE', `${path}?after=x`)).toMatchObject(wrong)
  expect(await call('POST', `${path}/touch`, { after: 'x' })).toMatchObject(wrong)
  const batch = await call('POST', '/v1/batch', {
    writes: [
      { session: 'causal', set: { n: 2 }, after: 'x' },
      { session: 'causal', delete: ['m'], after: later },
    ],
  })
  expect(batch.body).toMatchObject({ results: [{ error: { code: 'INVALID_TOKEN' } }, { receipt: {} }] })
  expect((await call('GET', path)).body).toMatchObject({ data: {} })
  expect(await call('GET', `${path}?freshness=new`)).toMatchObject({ status: 400 })
})

test('when a session ends by itself is set, shown, pushed on and taken away', async () => {
  const expiresAt = Date.parse('2100-01-01')
  await call('POST', '/v1/sessions', { id: 'mortal', ttlMs: 60_000, expiresAt })
  const { body } = await call('GET', '/v1/sessions/mortal')
  const { createdAt } = body as { createdAt: number }
  expect(body).toMatchObject({ ttlMs: 60_000, expiresAt, dueAt: createdAt + 66_000 })
  expect((await call('POST', '/v1/sessions/mortal/touch', {})).body).toEqual({
    session: 'mortal',
    dueAt: createdAt + 66_000,
    receipt: null,
  })
  await call('PATCH', '/v1/sessions/mortal', { set: { a: 1 }, ttlMs: null })
  expect((await call('GET', '/v1/sessions/mortal')).body).toMatchObject({
    ttlMs: null,
    dueAt: expiresAt,
    data: { a: 1 },
  })
  expect((await call('GET', '/v1/sessions?limit=1&after=morta')).body).toMatchObject([
    { id: 'mortal', dueAt: expiresAt },
  ])
  await call('PATCH', '/v1/sessions/mortal', { expiresAt: null })
  expect((await call('GET', '/v1/sessions/mortal')).body).toMatchObject({ expiresAt: null, dueAt: null })
  const refused = { status: 400, body: { error: { code: 'INVALID_ARGUMENT' } } }
  expect(await call('POST', '/v1/sessions', { ttlMs: 0 })).toMatchObject(refused)
  expect(await call('PATCH', '/v1/sessions/mortal', { ttlMs: 'soon' })).toMatchObject(refused)
})

test('sessions are counted, sampled, listed and hashed', async () => {
  for (const id of ['l1', 'l2', 'l3']) await call('POST', '/v1/sessions', { id, priority: 'low' })
  await vi.waitFor(async () => {
    const listed = await call('GET', '/v1/sessions?priority=low&limit=2&after=l1')
    expect(listed.body).toMatchObject([{ id: 'l2', priority: 'low' }, { id: 'l3' }])
  })
  expect((await call('GET', '/v1/sessions/count')).body).toEqual({ count: peer.sessions.count() })
  expect((await call('GET', '/v1/sessions/sample?n=2')).body).toHaveLength(2)
  expect((await call('GET', '/v1/sessions-hash')).body).toEqual(await peer.sessions.contentHash())
})

test('a session may have the name of a route', async () => {
  await call('POST', '/v1/sessions', { id: 'count', data: { mine: 1 } })
  expect((await call('GET', '/v1/sessions/count/view')).body).toMatchObject({ id: 'count', data: { mine: 1 } })
})

test('a batch answers each write for itself', async () => {
  const { body } = await call('POST', '/v1/batch', {
    writes: [
      { session: 'b1', set: { n: 1 }, create: true, durability: 'local' },
      { session: 'b2', set: { n: 2 }, create: true },
      { session: 'nobody', set: { n: 3 } },
      { session: 'b d', set: {}, create: true },
    ],
  })
  expect(body).toMatchObject({
    results: [
      { receipt: { session: 'b1' } },
      { receipt: { session: 'b2' } },
      { error: { code: 'SESSION_NOT_FOUND' } },
      { error: { code: 'INVALID_SESSION_ID' } },
    ],
  })
  expect((await call('GET', '/v1/sessions/b1')).body).toMatchObject({ data: { n: 1 } })
})

test.each<[Method, string, object | undefined, number, string, string]>([
  ['POST', '/v1/sessions', { id: 'b1', priorty: 'low' }, 400, 'INVALID_ARGUMENT', 'priorty'],
  ['POST', '/v1/sessions', { priority: 'urgent' }, 400, 'INVALID_ARGUMENT', 'priority: '],
  ['POST', '/v1/sessions', { durability: 1.5 }, 400, 'INVALID_ARGUMENT', 'durability: expected'],
  ['POST', '/v1/sessions', { durability: 'most' }, 400, 'INVALID_ARGUMENT', 'durability: expected'],
  ['POST', '/v1/sessions', { data: [1] }, 400, 'INVALID_ARGUMENT', 'data: '],
  ['POST', '/v1/sessions', { id: '' }, 400, 'INVALID_SESSION_ID', 'empty'],
  ['POST', '/v1/sessions', { id: 'b1' }, 409, 'SESSION_EXISTS', 'b1'],
  ['GET', '/v1/sessions/nobody', undefined, 404, 'SESSION_NOT_FOUND', 'nobody'],
  ['GET', '/v1/sessions?limit=none', undefined, 400, 'INVALID_ARGUMENT', 'limit: '],
  ['GET', '/v1/sessions?prio=low', undefined, 400, 'INVALID_ARGUMENT', 'prio'],
  ['GET', '/v1/sessions/sample?n=0', undefined, 400, 'INVALID_ARGUMENT', 'n: '],
  ['PATCH', '/v1/sessions/b1', { set: 1 }, 400, 'INVALID_ARGUMENT', 'set: '],
  ['DELETE', '/v1/sessions/b1?strict=maybe', undefined, 400, 'INVALID_ARGUMENT', 'strict: '],
  ['POST', '/v1/batch', { writes: [{ set: {} }] }, 400, 'INVALID_ARGUMENT', 'writes.0.session: '],
  ['POST', '/v1/failover', { action: 'explode' }, 400, 'INVALID_ARGUMENT', 'action: '],
  ['POST', '/v1/failover', { action: 'execute' }, 400, 'INVALID_ARGUMENT', 'to: '],
  ['POST', '/v1/failover', { action: 'execute', to: 'x' }, 404, 'PEER_NOT_FOUND', 'x'],
  ['POST', '/v1/replication/ensure-synced', { timeoutMs: -1 }, 400, 'INVALID_ARGUMENT', 'timeoutMs: '],
  ['GET', '/v1/nothing', undefined, 404, 'NOT_FOUND', '/v1/nothing'],
])('%s %s %j is refused with %i %s', async (method, url, payload, status, code, words) => {
  const reply = await call(method, url, payload)
  expect(reply).toMatchObject({ status, body: { error: { code } } })
  expect(reply).toHaveProperty('body.error.message', expect.stringContaining(words))
})

test('a body that is no JSON is refused in the same form', async () => {
  for (const payload of ['{', '', '{"__proto__": {"x": 1}}']) {
    const headers = { host: 'localhost', 'content-type': 'application/json' }
    const reply = await app.inject({ method: 'POST', url: '/v1/sessions', headers, payload })
    expect(reply.statusCode).toBe(400)
    expect(reply.json()).toMatchObject({ error: { code: 'INVALID_ARGUMENT' } })
  }
})

test('replication, failover, members and health are the SDK’s own answers', async () => {
  expect((await call('GET', '/v1/status')).body).toMatchObject({ name: 'a', peer: peer.id })
  expect((await call('GET', '/v1/members')).body).toMatchObject([{ name: 'a', self: true }])
  expect((await call('GET', '/v1/replication')).body).toMatchObject({ pendingWrites: 0 })
  expect((await call('GET', '/v1/replication/lag')).body).toEqual({ lagMs: 0 })
  expect((await call('GET', '/v1/replication/progress')).body).toHaveProperty('total')
  expect((await call('POST', '/v1/replication/sync')).status).toBe(200)
  expect((await call('POST', '/v1/replication/ensure-synced')).status).toBe(200)
  expect((await call('POST', '/v1/failover', { action: 'failback' })).body).toMatchObject({ delegate: null })
  expect((await call('POST', '/v1/failover', { action: 'wait', timeoutMs: 1_000 })).status).toBe(200)
  expect((await call('POST', '/v1/integrity')).body).toMatchObject({ healthy: true, damaged: 0 })
  expect((await call('GET', '/v1/integrity')).body).toEqual({ progress: null })
  for (const url of ['/healthz', '/readyz', '/v1/health']) {
    expect(await call('GET', url)).toMatchObject({ status: 200, body: { healthy: true } })
  }
})

test('a peer that was stopped is unhealthy, and says so', async () => {
  const stopped = await startPeer('s')
  await stopped.stop()
  const admin = buildAdmin({ ...access, peer: stopped, port: 0 })
  for (const url of ['/healthz', '/readyz', '/v1/health']) {
    const reply = await admin.inject({ url, headers: { host: 'localhost' } })
    expect([reply.statusCode, reply.json()]).toMatchObject([503, { healthy: false }])
  }
  await admin.close()
})

test('events tell of a member that comes', async () => {
  const admin = await startAdmin({ ...access, peer, port: 0 })
  let heard = ''
  const request = get(`${admin.url}/v1/events`, (reply) => {
    reply.setEncoding('utf8')
    reply.on('data', (text: string) => (heard += text))
    reply.on('error', () => {})
  })
  request.on('error', () => {})
  await new Promise((resolve) => request.once('response', resolve))
  const other = await startPeer('b', network)
  await vi.waitFor(() => expect(heard).toContain('event: member\ndata: {"peer":"b"'), { timeout: 10_000 })
  await other.stop()
  await admin.close()
})
