// The y-websocket door of two real daemons: stock clients on different peers edit one document.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import { WebsocketProvider } from 'y-websocket'
import * as Y from 'yjs'
import { startDaemon, type Daemon } from '../../node/daemon.ts'

const TOKEN = 'a-token-of-some-length'
const MESH_KEY = '5'.repeat(64)
const daemons: Daemon[] = []
let directory: string
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'sessionmesh-gateway-'))
  for (const [name, token] of [
    ['a', undefined],
    ['b', TOKEN],
  ] as const) {
    const bootstrap = daemons.flatMap(({ peer }) => peer.addresses)
    const options = { name, dataDir: join(directory, name), http: { host: '127.0.0.1', port: 0 }, meshKey: MESH_KEY }
    daemons.push(await startDaemon({ ...options, bootstrap, ...(token === undefined ? {} : { httpToken: token }) }))
  }
  await until(() => expect(daemons.map(({ peer }) => peer.members().length)).toEqual([2, 2]))
})
afterAll(async () => {
  for (const daemon of daemons) await daemon.stop()
  rmSync(directory, { recursive: true })
})

const until = (check: () => void | Promise<void>) => vi.waitFor(check, { timeout: 20_000, interval: 10 })

function daemonOf(index: number): Daemon {
  const daemon = daemons[index]
  if (daemon === undefined) throw new Error(`no daemon ${index}`)
  return daemon
}

function provider(index: number, id: string, doc: Y.Doc, params: Record<string, string> = {}): WebsocketProvider {
  const url = daemonOf(index).url?.replace('http', 'ws') ?? ''
  const WebSocketPolyfill = WebSocket as unknown as typeof globalThis.WebSocket
  return new WebsocketProvider(url, id, doc, { WebSocketPolyfill, disableBc: true, params })
}

test('two clients on two peers edit one document, and the SDK sees it', async () => {
  const [left, right] = [new Y.Doc(), new Y.Doc()]
  const providers = [provider(0, 'pad', left), provider(1, 'pad', right, { token: TOKEN })]
  left.getText('t').insert(0, 'left ')
  await until(() => expect(right.getText('t').toJSON()).toBe('left '))
  right.getText('t').insert(5, 'right')
  await until(() => expect(left.getText('t').toJSON()).toBe('left right'))
  const session = await daemonOf(1).peer.sessions.open('pad')
  await session.set('from', 'sdk')
  session.close()
  await until(() => expect(left.getMap('data').get('from')).toBe('sdk'))
  for (const one of providers) one.destroy()
})

test('a peer with a token asks clients for it', async () => {
  for (const params of [{}, { token: 'wrong' }]) {
    const refused = provider(1, 'pad', new Y.Doc(), params)
    const { code } = await new Promise<{ code: number }>((resolve) => refused.on('closed', resolve))
    expect(code).toBe(4401)
    refused.destroy()
  }
})

test('a foreign web page is refused before it speaks', async () => {
  const url = daemonOf(0).url?.replace('http', 'ws') ?? ''
  const socket = new WebSocket(`${url}/pad`, { origin: 'https://evil.example' })
  const { message } = await new Promise<Error>((resolve) => socket.on('error', resolve))
  expect(message).toContain('403')
})

test('a session that is terminated on one peer ends for the clients of the other', async () => {
  const doc = new Y.Doc()
  const one = provider(0, 'short', doc)
  await until(() => expect(one.synced).toBe(true))
  const closed = new Promise<{ code: number }>((resolve) => one.on('closed', resolve))
  await daemonOf(1).peer.sessions.terminate('short')
  expect((await closed).code).toBe(4410)
  one.destroy()
})
