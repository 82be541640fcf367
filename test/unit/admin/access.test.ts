// Who the HTTP admin lets in.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildAdmin } from '../../../node/admin/server.ts'
import type { Peer } from '../../../node/api.ts'
import { startPeer } from './peer.ts'

const TOKEN = 'a-token-of-some-length'
let peer: Peer
beforeAll(async () => {
  peer = await startPeer('a')
})
afterAll(() => peer.stop())

async function status(
  options: { host?: string; token?: string; allowedOrigins?: readonly string[] },
  headers: Record<string, string>,
  url = '/v1/status',
): Promise<[number, string | undefined]> {
  const admin = buildAdmin({ host: '127.0.0.1', allowedOrigins: [], ...options, peer, port: 0 })
  const reply = await admin.inject({ url, headers })
  await admin.close()
  const body: { error?: { code: string } } = reply.json()
  return [reply.statusCode, body.error?.code]
}

test.each(['0.0.0.0', '::', '192.168.1.7', 'edge.example', ''])('without a token it does not start on %j', (host) => {
  expect(() => buildAdmin({ host, allowedOrigins: [], peer, port: 0 })).toThrow(/httpToken/)
})

test.each(['127.0.0.1:7700', 'localhost', '[::1]:7700', '127.8.9.1'])('host %s is this machine', async (host) => {
  expect(await status({}, { host })).toEqual([200, undefined])
})

test.each(['evil.example', 'evil.example:7700', '127.0.0.1.evil.example', 'localhost.evil.example', '10.0.0.1'])(
  'host %s is refused: a page may have rebound its name',
  async (host) => {
    expect(await status({}, { host })).toEqual([403, 'FORBIDDEN'])
  },
)

test.each([
  ['http://localhost:3000', 200],
  ['http://127.0.0.1', 200],
  ['https://app.example', 200],
  ['https://evil.example', 403],
  ['https://app.example.evil.example', 403],
  ['http://localhost.evil.example', 403],
  ['null', 403],
])('origin %s gets %i', async (origin, code) => {
  const allowedOrigins = ['https://app.example']
  expect((await status({ allowedOrigins }, { host: 'localhost', origin }))[0]).toBe(code)
})

test('with a token, only its bearer is let in, under any host name', async () => {
  const options = { host: '0.0.0.0', token: TOKEN }
  const host = 'edge.example:7700'
  expect(await status(options, { host })).toEqual([401, 'UNAUTHORIZED'])
  expect(await status(options, { host, authorization: 'Bearer wrong' })).toEqual([401, 'UNAUTHORIZED'])
  expect(await status(options, { host, authorization: `Bearer ${TOKEN}x` })).toEqual([401, 'UNAUTHORIZED'])
  expect(await status(options, { host, authorization: TOKEN })).toEqual([401, 'UNAUTHORIZED'])
  expect(await status(options, { host, authorization: `Bearer ${TOKEN}` })).toEqual([200, undefined])
})

test('probes need no token and learn nothing but health', async () => {
  const options = { host: '0.0.0.0', token: TOKEN }
  for (const url of ['/healthz', '/readyz'])
    expect(await status(options, { host: '10.0.0.7' }, url)).toEqual([200, undefined])
  expect(await status(options, { host: '10.0.0.7' }, '/v1/health')).toEqual([401, 'UNAUTHORIZED'])
})
