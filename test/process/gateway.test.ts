// The y-websocket door of real peers: stock clients edit through different peers, one peer dies, nobody loses a
// character; a client that sends rubbish loses its connection and nothing else.
import { once } from 'node:events'
import { afterEach, beforeEach, expect, test } from 'vitest'
import WebSocket from 'ws'
import { WebsocketProvider } from 'y-websocket'
import * as Y from 'yjs'
import type { HealthCheck } from '../../node/api.ts'
import { after, startMesh, waitFor, type Mesh, type PeerProcess } from '../support/mesh.ts'

const SESSION = 'essay'
const LETTERS = 60
const WAIT_MS = 10_000

let mesh: Mesh
let providers: WebsocketProvider[]
beforeEach(async () => {
  providers = []
  mesh = await startMesh(3)
})
afterEach(async () => {
  for (const provider of providers) provider.destroy()
  await mesh.close()
})

test('two editors on two peers keep every character when one peer is killed', async () => {
  const [a, b] = [new Y.Doc(), new Y.Doc()]
  const provider = await connect(a, mesh.peer(0))
  await connect(b, mesh.peer(1))
  await type([a, b], 'before')

  await mesh.peer(0).kill()
  const typing = type([a, b], 'during') // a is offline: its letters wait in its document
  provider.destroy()
  await typing
  await connect(a, mesh.peer(2))
  await type([a, b], 'after')

  const text = await sameText([a, b], 6 * LETTERS)
  for (const mark of ['before', 'during', 'after']) {
    for (const who of [0, 1]) {
      const letters = [...text.matchAll(new RegExp(`<${mark}${who}:(\\d+)>`, 'g'))].map((match) => Number(match[1]))
      expect(letters.toSorted((x, y) => x - y)).toEqual(Array.from({ length: LETTERS }, (_, i) => i))
    }
  }
  const seen = new Y.Doc()
  await connect(seen, mesh.peer(1)) // what the mesh kept, not what an editor remembers
  await waitFor(() => seen.getText('t').toJSON() === text, { timeoutMs: WAIT_MS, what: 'the text on peer 2' })
})

test('clients of different peers see each other, and those of a peer that is killed go within two seconds', async () => {
  const one = await connect(new Y.Doc(), mesh.peer(0))
  const other = await connect(new Y.Doc(), mesh.peer(1))
  one.awareness.setLocalState({ user: 'ada' })
  other.awareness.setLocalState({ user: 'ben' })
  const seenBy = (provider: WebsocketProvider, of: WebsocketProvider): unknown =>
    provider.awareness.getStates().get(of.awareness.clientID)?.['user']
  await waitFor(() => seenBy(other, one) === 'ada', { timeoutMs: WAIT_MS, what: 'ada at the other peer' })
  await waitFor(() => seenBy(one, other) === 'ben', { timeoutMs: WAIT_MS, what: 'ben at the other peer' })

  await mesh.peer(0).kill()
  const killedAt = performance.now()
  await waitFor(() => seenBy(other, one) === undefined, { timeoutMs: WAIT_MS, what: 'ada to go' })
  expect(performance.now() - killedAt).toBeLessThan(2_000)
  expect(seenBy(other, other)).toBe('ben')

  // She comes back by the third.
  one.destroy()
  const back = new WebsocketProvider(mesh.peer(2).ws, SESSION, one.doc, {
    WebSocketPolyfill: WebSocket as never,
    awareness: one.awareness,
    disableBc: true,
  })
  providers.push(back)
  one.awareness.setLocalState({ user: 'ada' })
  await waitFor(() => seenBy(other, back) === 'ada', { timeoutMs: WAIT_MS, what: 'ada by another peer' })
})

test('clients of one peer see each other, and see each other go', async () => {
  const one = await connect(new Y.Doc(), mesh.peer(0))
  const other = await connect(new Y.Doc(), mesh.peer(0))
  one.awareness.setLocalState({ user: 'ada' })
  const id = one.awareness.clientID
  const state = () => other.awareness.getStates().get(id)
  await waitFor(() => state()?.['user'] === 'ada', { timeoutMs: WAIT_MS, what: 'the awareness of ada' })
  one.awareness.setLocalState({ user: 'ada', cursor: 3 })
  await waitFor(() => state()?.['cursor'] === 3, { timeoutMs: WAIT_MS, what: 'the cursor of ada' })
  one.destroy()
  await waitFor(() => state() === undefined, { timeoutMs: WAIT_MS, what: 'ada to be gone' })
})

test('a hostile client is closed with 44xx; the peer and its other clients go on', async () => {
  const peer = mesh.peer(0)
  const honest = new Y.Doc()
  await connect(honest, peer)
  const hostile: [string, Uint8Array][] = [
    ['garbage', Uint8Array.from({ length: 200 }, (_, i) => (i * 37 + 255) % 256)],
    ['nothing at all', new Uint8Array(0)],
    ['a malformed update', Uint8Array.of(0, 2, 6, 1, 1, 255, 255, 255, 255)],
    ['a cut off update', Uint8Array.of(0, 2, 100, 1)],
    ['a malformed awareness', Uint8Array.of(1, 4, 1, 255, 255, 255)],
  ]
  for (const [what, bytes] of hostile) {
    expect(await closeCode(peer, SESSION, bytes), what).toSatisfy(is44xx)
  }
  expect(await closeCode(peer, 'x'.repeat(257)), 'a long id').toSatisfy(is44xx)
  expect(await closeCode(peer, '%E0%A4%A'), 'an id that is no URI').toSatisfy(is44xx)
  expect(await closeCode(peer, ''), 'no id').toSatisfy(is44xx)

  expect((await peer.client.get<HealthCheck>('/v1/health')).healthy).toBe(true)
  expect(peer.alive).toBe(true)
  const witness = new Y.Doc()
  await connect(witness, mesh.peer(1))
  honest.getText('t').insert(0, 'still here')
  await sameText([honest, witness], 1, 'still here')
})

function is44xx(code: number): boolean {
  return code >= 4400 && code < 4500
}

/** Connects as any Yjs editor would; resolves when first synced. */
async function connect(doc: Y.Doc, peer: PeerProcess): Promise<WebsocketProvider> {
  const options = { WebSocketPolyfill: WebSocket as unknown as typeof globalThis.WebSocket, disableBc: true }
  const provider = new WebsocketProvider(peer.ws, SESSION, doc, options)
  providers.push(provider)
  await waitFor(() => provider.synced, { timeoutMs: WAIT_MS, what: `the first sync with ${peer.name}` })
  return provider
}

/** Both type by turns, at random places between whole marks, giving the network its turn after each. */
async function type(docs: readonly Y.Doc[], mark: string): Promise<void> {
  for (let i = 0; i < LETTERS; i++) {
    docs.forEach((doc, who) => {
      const text = doc.getText('t')
      const places = [0, ...[...text.toJSON().matchAll(/>/g)].map((match) => match.index + 1)]
      text.insert(places[Math.floor(Math.random() * places.length)] ?? 0, `<${mark}${who}:${i}>`)
    })
    await after(0)
  }
}

/** Waits for equal texts of this many marks (or this very text); returns the text. */
function sameText(docs: readonly Y.Doc[], marks: number, wanted?: string): Promise<string> {
  const texts = () => docs.map((doc) => doc.getText('t').toJSON())
  const done = (text: string) => (wanted === undefined ? text.split('>').length - 1 === marks : text === wanted)
  return waitFor(
    () => {
      const [first, ...rest] = texts()
      if (first === undefined || !rest.every((text) => text === first) || !done(first))
        throw new Error(texts().join('\n'))
      return first
    },
    { timeoutMs: WAIT_MS, what: 'equal texts' },
  )
}

/** Sends `bytes` (or nothing) and waits for the peer to hang up. */
async function closeCode(peer: PeerProcess, path: string, bytes?: Uint8Array): Promise<number> {
  const socket = new WebSocket(`${peer.ws}/${path}`)
  const closed = once(socket, 'close', { signal: AbortSignal.timeout(WAIT_MS) })
  await once(socket, 'open')
  if (bytes !== undefined) socket.send(bytes)
  const [code] = (await closed) as [number]
  return code
}
