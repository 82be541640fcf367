// The y-websocket door: stock providers converge through it, and nothing that a client sends breaks it.
import * as encoding from 'lib0/encoding'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { WebSocket } from 'ws'
import type { WebsocketProvider } from 'y-websocket'
import * as Y from 'yjs'
import { terminateSession } from '../../../crdt/index.ts'
import { closed, openDoor, UPDATE_BYTES_MAX, type Door } from './door.ts'

let door: Door
beforeEach(async () => {
  door = await openDoor()
})
afterEach(() => door.close())

const until = (check: () => void | Promise<void>) => vi.waitFor(check, { timeout: 5_000, interval: 5 })

/** A sync message: step 0 asks, 1 answers, 2 brings an update. */
function sync(step: number, payload: Uint8Array): Uint8Array {
  const encoder = encoding.createEncoder()
  encoding.writeVarUint(encoder, 0)
  encoding.writeVarUint(encoder, step)
  encoding.writeVarUint8Array(encoder, payload)
  return encoding.toUint8Array(encoder)
}

/** What one client wrote, as one update for each key. */
function edits(...keys: string[]): Uint8Array[] {
  const doc = new Y.Doc()
  const updates: Uint8Array[] = []
  doc.on('update', (update: Uint8Array) => updates.push(update))
  for (const key of keys) doc.getText('t').insert(doc.getText('t').length, key)
  return updates
}

test('two stock clients and the peer edit the same document', async () => {
  const [a, b] = [new Y.Doc(), new Y.Doc()]
  door.provider('cart:42/%', a)
  door.provider('cart:42/%', b)
  a.getMap('data').set('from', 'a')
  await until(() => expect(b.getMap('data').get('from')).toBe('a'))
  b.getMap('data').set('back', 'b')
  await until(() => expect(a.getMap('data').get('back')).toBe('b'))
  door.docs.get('cart:42/%')?.getMap('data').set('peer', 1)
  await until(() => expect([a.getMap('data').get('peer'), b.getMap('data').get('peer')]).toEqual([1, 1]))
})

test('awareness passes between clients and goes with them', async () => {
  const [a, b] = [new Y.Doc(), new Y.Doc()]
  const one = door.provider('s', a)
  const two = door.provider('s', b)
  one.awareness.setLocalStateField('user', 'ann')
  await until(() => expect(two.awareness.getStates().get(a.clientID)).toEqual({ user: 'ann' }))
  one.ws?.close()
  one.shouldConnect = false
  await until(() => expect(two.awareness.getStates().has(a.clientID)).toBe(false))
})

test('a session is held while a client has it open', async () => {
  const socket = await door.raw('s')
  await until(() => expect(door.held.get('s')).toBe(1))
  socket.close()
  await until(() => expect(door.held.get('s')).toBe(0))
})

test.each([
  ['nothing', new Uint8Array(), 4400],
  ['an unknown message type', Uint8Array.of(9, 9), 4400],
  ['an update cut short', sync(2, Uint8Array.of(1, 1, 1)), 4400],
  ['a state vector that is none', sync(0, Uint8Array.of(255, 255)), 4400],
  ['awareness that is no JSON', presence(7, 1, '{'), 4400],
  ['awareness that is no object', presence(7, 1, '5'), 4400],
  ['an update over the limit', sync(2, edits('x'.repeat(UPDATE_BYTES_MAX))[0] ?? new Uint8Array()), 4413],
  ['an update far over the limit', sync(2, new Uint8Array((UPDATE_BYTES_MAX * 3) / 2)), 4413],
])('%s closes that client alone', async (_name, message, code) => {
  const bystander = new Y.Doc()
  door.provider('s', bystander)
  const socket = await door.raw('s')
  socket.send(message)
  expect(await closed(socket)).toBe(code)
  door.docs.get('s')?.getMap('data').set('alive', true)
  await until(() => expect(bystander.getMap('data').get('alive')).toBe(true))
})

test.each([
  ['%ff', 4400],
  ['a%20b', 4400],
  ['', 4400],
  ['x'.repeat(300), 4400],
  ['gone', 4410],
  ['locked', 4401],
])('path %j is refused with %i', async (path, code) => {
  expect(await closed(await door.raw(path))).toBe(code)
})

test('clients of a session that ends are told so', async () => {
  const socket = await door.raw('s')
  await until(() => expect(door.held.get('s')).toBe(1))
  const doc = door.docs.get('s')
  if (doc !== undefined) terminateSession(doc, 1)
  expect(await closed(socket)).toBe(4410)
})

test('typing while offline edits are on their way loses neither', async () => {
  const doc = new Y.Doc()
  doc.getText('t').insert(0, 'offline ')
  const provider = door.provider('s', doc)
  provider.on('status', ({ status }: { status: string }) => {
    if (status === 'connected') doc.getText('t').insert(8, 'typing')
  })
  await until(() => expect(door.docs.get('s')?.getText('t').toJSON()).toBe('offline typing'))
  expect(await stillSpeaks(provider)).toBe(true)
})

test('what a client lacks itself does not keep back the rest of it', async () => {
  const [first, second] = edits('missing ', 'late')
  const doc = new Y.Doc()
  if (second !== undefined) Y.applyUpdate(doc, second)
  doc.getMap('data').set('own', 1)
  const provider = door.provider('s', doc)
  await until(() => expect(door.docs.get('s')?.getMap('data').get('own')).toBe(1))
  const held = door.docs.get('s')
  expect(held?.store.pendingStructs).toBe(null)
  if (first !== undefined && held !== undefined) Y.applyUpdate(held, first)
  await until(() => expect(held?.getText('t').toJSON()).toBe('missing late'))
  expect(await stillSpeaks(provider)).toBe(true)
})

test('many keystrokes while the session opens are kept', async () => {
  let go = () => {}
  door.hold = new Promise((resolve) => (go = resolve))
  const doc = new Y.Doc()
  const provider = door.provider('s', doc)
  await until(() => expect(provider.wsconnected).toBe(true))
  for (let i = 0; i < 2_000; i++) doc.getText('t').insert(i, 'x')
  await stillSpeaks(provider)
  go()
  await until(() => expect(door.docs.get('s')?.getText('t').length).toBe(2_000))
  expect(provider.shouldConnect).toBe(true)
})

test('one client leaving while the session opens does not end it for another', async () => {
  let go = () => {}
  door.hold = new Promise((resolve) => (go = resolve))
  const first = await door.raw('s')
  const second = await door.raw('s')
  const gone = closed(first)
  first.terminate()
  await gone
  await pong(second) // the gateway has seen the first go by now
  go()
  await until(() => expect(door.held.get('s')).toBe(1))
  const news: unknown[] = []
  second.on('message', (data) => news.push(data))
  const doc = new Y.Doc()
  door.provider('s', doc)
  doc.getMap('data').set('k', 1)
  await until(() => expect(door.docs.get('s')?.getMap('data').get('k')).toBe(1))
  await until(() => expect(news.length).toBeGreaterThan(0))
  expect(door.held.get('s')).toBe(1)
})

test('opening and leaving again and again leaves nothing behind on the document', async () => {
  for (let i = 0; i < 5; i++) {
    const socket = await door.raw('s')
    await until(() => expect(door.held.get('s')).toBe(1))
    socket.close()
    await until(() => expect(door.held.get('s')).toBe(0))
  }
  const listeners = door.docs.get('s')?._observers
  expect([listeners?.get('update')?.size ?? 0, listeners?.get('destroy')?.size ?? 0]).toEqual([0, 0])
})

test('closing does not wait for a client that never answers', async () => {
  const socket = await door.raw('s')
  await until(() => expect(door.held.get('s')).toBe(1))
  socket.pause()
  const begun = performance.now()
  await door.close()
  expect(performance.now() - begun).toBeLessThan(5_000)
})

test('an awareness state outlives the connection that its client has replaced', async () => {
  const watcher = new Y.Doc()
  const provider = door.provider('s', watcher)
  const [old, fresh] = [await door.raw('s'), await door.raw('s')]
  old.send(presence(7, 1, '{"user":"ann"}'))
  await until(() => expect(provider.awareness.getStates().get(7)).toEqual({ user: 'ann' }))
  fresh.send(presence(7, 2, '{"user":"ann","cursor":3}'))
  await until(() => expect(provider.awareness.getStates().get(7)).toEqual({ user: 'ann', cursor: 3 }))
  old.terminate()
  await until(() => expect(door.clients()).toBe(2))
  await pong(fresh)
  expect(provider.awareness.getStates().get(7)).toEqual({ user: 'ann', cursor: 3 })
})

function presence(id: number, clock: number, state: string): Uint8Array {
  const body = encoding.createEncoder()
  for (const number of [1, id, clock]) encoding.writeVarUint(body, number)
  encoding.writeVarString(body, state)
  const message = encoding.createEncoder()
  encoding.writeVarUint(message, 1)
  encoding.writeVarUint8Array(message, encoding.toUint8Array(body))
  return encoding.toUint8Array(message)
}

/** A round trip, after which what was sent before it has been received; or the end of the connection. */
function pong(socket: WebSocket): Promise<void> {
  return new Promise((resolve) => {
    socket.once('pong', () => resolve())
    socket.once('close', () => resolve())
    socket.ping()
  })
}

/** Whether the provider is connected, after all that it sent has arrived, and not told to stay away. */
async function stillSpeaks(provider: WebsocketProvider): Promise<boolean> {
  await pong(provider.ws as unknown as WebSocket)
  return provider.wsconnected && provider.shouldConnect
}
