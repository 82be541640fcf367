// The command line against a real peer's HTTP admin: what each verb asks, prints, and exits with.
import { Command } from 'commander'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { startAdmin, type Admin } from '../../../node/admin/server.ts'
import type { Peer } from '../../../node/api.ts'
import { registerVerbs } from '../../../node/cli/verbs.ts'
import { startPeer } from '../admin/peer.ts'

const TOKEN = 'a-token-of-some-length'
let peer: Peer
let admin: Admin
let printed = ''
beforeAll(async () => {
  peer = await startPeer('a')
  admin = await startAdmin({ peer, host: '127.0.0.1', port: 0, token: TOKEN, allowedOrigins: [] })
})
afterAll(async () => {
  await admin.close()
  await peer.stop()
})
beforeEach(() => {
  printed = ''
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    printed += String(text)
    return true
  })
})
afterEach(() => {
  vi.restoreAllMocks()
  process.exitCode = undefined
})

async function run(...args: string[]): Promise<string> {
  const program = new Command('sessionmesh').exitOverride()
  registerVerbs(program)
  printed = ''
  const http = admin.url.replace('http://', '')
  await program.parseAsync([...args, '--http', http, '--token', TOKEN], { from: 'user' })
  return printed
}

async function json(...args: string[]): Promise<unknown> {
  const line = await run(...args, '--json')
  expect(line.indexOf('\n')).toBe(line.length - 1)
  return JSON.parse(line)
}

test('a session goes through its whole life', async () => {
  const id = 'cart:42/%x'
  expect(await json('session', 'create', id, '--data', '{"n": 1}', '--priority', 'high')).toMatchObject({ session: id })
  expect(await json('session', 'set', id, 'n', '2', '--durability', 'local')).toMatchObject({ session: id })
  expect(await json('session', 'set', id, 'text', 'not json')).toMatchObject({ session: id })
  expect(await json('session', 'get', id)).toMatchObject({ data: { n: 2, text: 'not json' }, priority: 'high' })
  await run('session', 'delete', id, 'text')
  expect(await json('session', 'get', id)).not.toHaveProperty('data.text')
  await run('session', 'delete', id)
  await vi.waitFor(() => expect(run('session', 'get', id)).rejects.toMatchObject({ code: 'SESSION_TERMINATED' }))
})

test('a token of an earlier answer goes along', async () => {
  const { token } = (await json('session', 'create', 'causal')) as { token: string }
  const after = ['--after', token, '--freshness', 'quorum', '--timeout', '100']
  expect(await json('session', 'get', 'causal', ...after)).toMatchObject({ token })
  await json('session', 'set', 'causal', 'n', '1', ...after)
  for (const verb of [['get'], ['set', 'n', '1'], ['delete', 'n'], ['delete'], ['touch'], ['expiry']]) {
    const [name = '', ...rest] = verb
    const ask = run('session', name, 'causal', ...rest, '--after', 'nonsense')
    await expect(ask, name).rejects.toMatchObject({ code: 'INVALID_TOKEN' })
  }
  expect(await json('session', 'get', 'causal')).toMatchObject({ data: { n: 1 } })
})

test('when a session ends is given as people give times', async () => {
  await run('session', 'create', 'mortal', '--ttl', '30m', '--expires-at', '2100-01-01')
  const created = await json('session', 'get', 'mortal')
  expect(created).toMatchObject({ ttlMs: 1_800_000, expiresAt: Date.parse('2100-01-01') })
  expect(await json('session', 'touch', 'mortal')).toMatchObject({ session: 'mortal', receipt: null })
  await run('session', 'expiry', 'mortal', '--ttl', 'never', '--expires-at', '2h')
  const { ttlMs, dueAt, createdAt } = (await json('session', 'get', 'mortal')) as Record<string, number>
  expect(ttlMs).toBe(null)
  expect((dueAt ?? 0) - (createdAt ?? 0)).toBeGreaterThanOrEqual(7_200_000)
  await expect(run('session', 'expiry', 'mortal', '--ttl', 'soon')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
})

test('what is left of deleted sessions is shown first, and then purged', async () => {
  await run('session', 'create', 'gone')
  await run('session', 'delete', 'gone')
  const shown = (await json('purge', '--dry-run')) as Record<string, unknown>
  expect(shown).toMatchObject({ dryRun: true, forgotten: 0, bytesBefore: null })
  expect(shown['stripped']).toBeGreaterThan(0)
  expect(await json('purge')).toMatchObject({ ...shown, dryRun: false, busy: 0, bytesBefore: 0, bytesAfter: 0 })
  expect(await json('purge')).toMatchObject({ tombstones: shown['tombstones'], stripped: 0, forgotten: 0 })
  await expect(run('session', 'get', 'gone')).rejects.toMatchObject({ code: 'SESSION_TERMINATED' })
})

test('a session called like a route is read all the same', async () => {
  await run('session', 'create', 'count')
  expect(await json('session', 'get', 'count')).toMatchObject({ id: 'count' })
})

test('people get aligned columns', async () => {
  await run('session', 'create', 'row')
  const table = await run('sessions', 'list')
  const [head, ...rows] = table.trimEnd().split('\n')
  expect(head).toMatch(/^id +priority +home +state +dueAt +digest$/)
  expect(rows.some((row) => row.indexOf('normal') === head?.indexOf('priority'))).toBe(true)
  expect(await run('status')).toMatch(/^name +a$/m)
})

test.each([
  [['status'], { name: 'a' }],
  [['members'], [{ name: 'a', self: true }]],
  [['sessions', 'count'], { count: expect.any(Number) }],
  [['sessions', 'sample', '1'], [{ id: expect.any(String) }]],
  [['sessions', 'list', '--priority', 'critical', '--limit', '1'], []],
  [['replication', 'status'], { pendingWrites: 0 }],
  [['replication', 'lag'], { lagMs: 0 }],
  [['replication', 'progress'], { done: expect.any(Number) }],
  [['replication', 'under-replicated', '--limit', '5'], { count: expect.any(Number) }],
  [['replication', 'sync'], { total: expect.any(Number) }],
  [['replication', 'ensure-synced', '--timeout', '1000'], { total: expect.any(Number) }],
  [['replication', 'validate'], { consistent: true, inconsistent: [] }],
  [['replication', 'reconcile'], { peers: [], refused: [] }],
  [['sync', 'status'], { syncState: 'synced', pendingCount: 0 }],
  [['sync', 'pending'], []],
  [['sync', 'force'], { done: 0, total: 0 }],
  [['failover', 'status'], { delegate: null }],
  [['failover', 'failback'], { delegate: null }],
  [['failover', 'wait', '--timeout', '1000'], { draining: false }],
  [['integrity'], { healthy: true, damaged: 0, findings: [] }],
  [['health'], { healthy: true }],
  [['health', '--detailed'], { checks: expect.any(Array) }],
])('%j', async (args, expected) => {
  expect(await json(...args)).toMatchObject(expected)
  expect(process.exitCode).toBeUndefined()
})

test.each([
  [['session', 'get', 'nobody'], 'SESSION_NOT_FOUND'],
  [['session', 'create', 'a b'], 'INVALID_SESSION_ID'],
  [['session', 'create', 'x', '--data', '{'], 'INVALID_ARGUMENT'],
  [['failover', 'execute', 'nobody'], 'PEER_NOT_FOUND'],
  [['failover', 'graceful', 'nobody', '--no-snapshot'], 'PEER_NOT_FOUND'],
  [['sync', 'force', 'nobody'], 'PEER_NOT_FOUND'],
  [['drain', '--timeout', '100'], 'FAILOVER_NOT_READY'],
  [['replication', 'ensure-synced', '--timeout', 'soon'], 'INVALID_ARGUMENT'],
])('%j fails with %s', async (args, code) => {
  await expect(run(...args)).rejects.toMatchObject({ code })
})

test('a wrong token and a peer that is not there are told apart', async () => {
  const program = new Command('sessionmesh')
  registerVerbs(program)
  const ask = (...args: string[]) => program.parseAsync(['status', ...args], { from: 'user' })
  const http = admin.url.replace('http://', '')
  await expect(ask('--http', http, '--token', 'wrong')).rejects.toMatchObject({ code: 'UNAUTHORIZED' })
  await expect(ask('--http', '127.0.0.1:1')).rejects.toMatchObject({
    code: 'PEER_UNREACHABLE',
    message: expect.stringMatching(/http:\/\/127\.0\.0\.1:1.*sessionmesh start/),
  })
})

test('a snapshot is created, persisted, listed, verified and restored', async () => {
  await run('session', 'create', 'snap', '--data', '{"n": 1}')
  const { id } = (await json('snapshot', 'create')) as { id: string }
  expect(await json('snapshot', 'persist', id)).toMatchObject({ id, kind: 'base', own: true, damage: null })
  expect(await json('snapshot', 'list')).toMatchObject([{ id }])
  const verified = (await json('snapshot', 'verify', 'latest')) as { sessions: number }
  expect(verified).toMatchObject({ id, chain: [id] })
  const { sessions } = verified
  expect(await json('snapshot', 'restore', id, '--dry-run')).toMatchObject({
    sessions,
    unchanged: sessions,
    dryRun: true,
  })
  expect(await json('snapshot', 'restore', 'latest', '--session', 'snap')).toMatchObject({ sessions: 1, unchanged: 1 })
  expect(await run('snapshot', 'create', '--auto')).toMatch(/kind +increment/)
  await expect(run('snapshot', 'verify', 'none')).rejects.toMatchObject({ code: 'SNAPSHOT_NOT_FOUND' })
})

test('the past of a session is told, rebuilt, verified and gone back to', async () => {
  await run('session', 'create', 'past', '--data', '{"n": 1}')
  await run('session', 'set', 'past', 'n', '2')
  const history = (await json('history', 'past')) as { entries: { at: number; changes: { text: string }[] }[] }
  expect(history.entries.at(-1)?.changes).toMatchObject([{ text: 'data.n: 1 → 2' }])
  expect(await run('history', 'past', '--limit', '1')).toMatch(/a +local +data\.n: 1 → 2/)
  expect(await json('rebuild', 'past')).toMatchObject({ data: { n: 2 }, oldest: null })
  expect(await json('rebuild', 'verify', 'past')).toMatchObject({ equal: true })
  const at = history.entries[0]?.at ?? 0
  expect(await json('rebuild', 'past', '--at', new Date(Math.ceil(at)).toISOString())).toMatchObject({ id: 'past' })
  expect(await json('session', 'revert', 'past', '--at', '0s')).toMatchObject({ session: 'past' })
  await expect(run('rebuild', 'past', '--at', '1d')).rejects.toMatchObject({ code: 'SESSION_NOT_FOUND' })
  await expect(run('rebuild', 'past', '--at', 'soon')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
})

test('a peer whose mesh has lost nobody has no orphans to list or adopt', async () => {
  expect(await json('orphans', 'list', '--limit', '5', '--after', 'a')).toEqual({ count: 0, sessions: [] })
  expect(await json('orphans', 'adopt')).toEqual({ adopted: 0, orphaned: 0 })
  expect(await json('status')).toMatchObject({ orphaned: 0 })
})

test('recovery is told, and taken by other stages', async () => {
  expect(await json('recovery', 'stats')).toMatchObject({ damaged: 0 })
  expect(await json('recovery', 'progress')).toMatchObject({ running: false })
  expect(await json('recovery', 'prioritize', 'x', 'y')).toEqual({ prioritized: 0 })
  expect(await json('recovery', 'staged', 'critical=0', 'high=10')).toMatchObject({
    stages: [{ priority: 'critical' }, { priority: 'high', delay: 10 }, { priority: 'normal', delay: 10 }, {}],
  })
  expect(await run('recovery', 'progress', '--wait')).toMatch(/critical +0 +done/)
  await expect(run('recovery', 'staged', 'soon=1')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
})
