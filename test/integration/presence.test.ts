// Presence across peers: users of a session see each other wherever they are, a peer's users go when it dies, and what
// comes from the network is bounded.
import { afterEach, expect, test } from 'vitest'
import type { Presence, Session } from '../../node/api.ts'
import type { MeshPeer } from '../../node/peer.ts'
import { writeEntries } from '../../node/presence/awareness.ts'
import { Presence as PresenceMessage } from '../../transport/wire/messages.js'
import { eventually, startMemoryMesh, type MemoryMesh } from '../support/memory-mesh.ts'

let mesh: MemoryMesh | undefined
afterEach(async () => {
  await mesh?.stop()
  mesh = undefined
})

async function start(count: number): Promise<{ peers: MeshPeer[]; sessions: Session[] }> {
  mesh = await startMemoryMesh(count, { heartbeatIntervalMs: 100, suspicionTimeoutMs: 200 })
  const peers = [...mesh.peers]
  const [first] = peers
  const created = await first?.sessions.create('s')
  created?.session.close()
  return { peers, sessions: await Promise.all(peers.map((peer) => peer.sessions.open('s'))) }
}

function at<T>(list: readonly T[], index: number): T {
  const found = list[index]
  if (found === undefined) throw new Error(`nothing at ${index}`)
  return found
}

const names = (presence: Presence) => [...presence.states().values()].map((state) => String(state['name'])).toSorted()

const see = (presence: Presence, ...expected: string[]) =>
  eventually(`${String(expected)} to be present`, () => names(presence).join() === expected.join())

test('users see each other at whatever peer, those who came before them too, and see each other go', async () => {
  const { peers, sessions } = await start(3)
  const [a, b, c] = sessions.map(({ presence }) => presence)
  if (a === undefined || b === undefined || c === undefined) throw new Error('no presence')
  a.set({ name: 'ada', cursor: 1 })
  b.set({ name: 'ben' })
  await Promise.all([a, b, c].map((each) => see(each, 'ada', 'ben')))
  let told = 0
  c.on(() => told++)
  a.set({ name: 'ada', cursor: 2 })
  await eventually('the cursor to move', () => c.states().get(a.id)?.['cursor'] === 2)
  expect(told).toBeGreaterThan(0)
  const late = await at(peers, 2).sessions.open('s')
  await see(late.presence, 'ada', 'ben')
  b.set(null)
  await see(late.presence, 'ada')
  at(sessions, 0).close()
  await see(late.presence)
  // Other sessions, and the disk, know nothing of it.
  const { session: other } = await at(peers, 0).sessions.create('t')
  expect(other.presence.states().size).toBe(0)
  expect((await at(peers, 0).sessions.get('s')).data).toEqual({})
  for (const session of [...sessions, late, other]) session.close()
})

test('the users of a peer go when it dies, and come back by another', async () => {
  const { sessions } = await start(3)
  const presences = sessions.map(({ presence }) => presence)
  at(presences, 0).set({ name: 'ada' })
  at(presences, 1).set({ name: 'ben' })
  await see(at(presences, 2), 'ada', 'ben')
  mesh?.network.cut('a', 'b')
  mesh?.network.cut('a', 'c')
  await see(at(presences, 2), 'ben')
  await see(at(presences, 0), 'ada')
  mesh?.network.heal()
  await see(at(presences, 2), 'ada', 'ben')
  await see(at(presences, 0), 'ada', 'ben')
  for (const session of sessions) session.close()
})

test('a user whose peer has died is believed at another, with the clock that it had', async () => {
  const { sessions } = await start(3)
  const presences = sessions.map(({ presence }) => presence)
  const user = writeEntries([{ id: 7, clock: 5, state: '{"name":"ada"}' }])
  at(presences, 0)
    .share(() => {})
    .tell(user)
  await see(at(presences, 2), 'ada')
  // It moves on before anybody has noticed that its peer is gone.
  at(presences, 1)
    .share(() => {})
    .tell(user)
  await see(at(presences, 1), 'ada')
  mesh?.network.cut('a', 'b')
  mesh?.network.cut('a', 'c')
  await eventually('the death of a', () =>
    at(mesh?.peers ?? [], 2)
      .members()
      .some(({ status }) => status === 'dead'),
  )
  await see(at(presences, 2), 'ada')
  for (const session of sessions) session.close()
})

test('what is malformed, too large or too much is refused', async () => {
  const { peers, sessions } = await start(2)
  const presence = at(sessions, 1).presence
  expect(() => presence.set({ name: 'x'.repeat(5_000) })).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
  const refusals = () => at(peers, 1).replication.status().refused
  const topic = [...Array(16).keys()].map((index) => `presence/${index}`)
  const publish = async (bytes: Uint8Array) => {
    for (const each of topic) await at(mesh?.transports ?? [], 0).publish(each, bytes)
  }
  const told = (update: Uint8Array) =>
    PresenceMessage.encode({ version: 2, sessions: [{ session: 's', update, asks: false }] })
  for (const bytes of [new Uint8Array([1, 2, 3]), told(new Uint8Array([1])), told(new Uint8Array([255, 255, 3]))]) {
    await publish(bytes)
  }
  await eventually('the refusals', () => refusals()['malformed-presence'] === 3)
  const large = { id: 1, clock: 1, state: JSON.stringify({ name: 'x'.repeat(5_000) }) }
  await publish(told(writeEntries([large, { id: 2, clock: 1, state: '{"name":"fits"}' }])))
  await see(presence, 'fits')
  const many = Array.from({ length: 1_000 }, (_, index) => ({ id: 10 + index, clock: 1, state: '{"name":"many"}' }))
  await publish(told(writeEntries(many)))
  await eventually('as many as there may be', () => presence.states().size === 1_000)
  const state = JSON.stringify({ name: 'y'.repeat(4_000) })
  const flood = told(writeEntries(Array.from({ length: 200 }, (_, index) => ({ id: 5_000 + index, clock: 2, state }))))
  for (let index = 0; index < 10; index++) await publish(flood)
  await eventually('the flood to be refused', () => (refusals()['presence-flood'] ?? 0) > 0)
  for (const session of sessions) session.close()
})
