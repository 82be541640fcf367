// Session guarantees across peers: what a client was shown or told at one peer, it meets at any other, or is told that
// it is not there.
import { afterEach, expect, test } from 'vitest'
import type { MeshPeer } from '../../node/peer.ts'
import { eventually, startMemoryMesh, type MemoryMesh } from '../support/memory-mesh.ts'

let mesh: MemoryMesh | undefined
afterEach(async () => {
  await mesh?.stop()
  mesh = undefined
})

async function start(count: number, options = {}): Promise<MeshPeer[]> {
  mesh = await startMemoryMesh(count, { heartbeatIntervalMs: 100, suspicionTimeoutMs: 200, ...options })
  return [...mesh.peers]
}

function network(): MemoryMesh['network'] {
  if (mesh === undefined) throw new Error('no mesh')
  return mesh.network
}

/** From now on nothing comes by itself: peers tell each other that they live, and answer who asks for a session. */
function silence(): void {
  network().drop((parcel) =>
    parcel.kind === 'gossip' ? parcel.topic !== 'members' : !['pull', 'ping'].includes(parcel.protocol),
  )
}

test('a peer that lacks what a token stands for gets it from another', async () => {
  const [a, b] = await start(2)
  if (a === undefined || b === undefined) throw new Error('no peers')
  const { session } = await a.sessions.create('s', { data: { kept: 1, gone: 1 } })
  silence()
  const written = await session.set('more', 2, { durability: 'local' })
  expect((await b.sessions.get('s')).data).toEqual({ kept: 1, gone: 1 })
  expect((await b.sessions.get('s', { after: written.token })).data).toEqual({ kept: 1, gone: 1, more: 2 })
  // A deletion alone does not move the state vector.
  const deleted = await session.delete('gone', { durability: 'local' })
  expect((await b.sessions.get('s')).data).toMatchObject({ gone: 1 })
  const opened = await b.sessions.open('s', { after: deleted.token })
  expect(opened.view().data).toEqual({ kept: 1, more: 2 })
  expect(opened.token()).toBe(deleted.token)
  opened.close()
  session.close()
})

test('what can not be had in time is told, in time, and so is a token that is none', async () => {
  const [a, b] = await start(2)
  if (a === undefined || b === undefined) throw new Error('no peers')
  const { session, receipt } = await a.sessions.create('s')
  network().cut('a', 'b')
  const { token } = await session.set('n', 1, { durability: 'local' })
  const options = { after: token, timeoutMs: 100 }
  await expect(b.sessions.get('s', options)).rejects.toMatchObject({ code: 'SESSION_BEHIND' })
  await expect(b.sessions.terminate('s', options)).rejects.toMatchObject({ code: 'SESSION_BEHIND' })
  expect((await b.sessions.get('s', { after: receipt.token })).data).toEqual({})
  // It comes as soon as it can.
  const waiting = b.sessions.get('s', { after: token, timeoutMs: 20_000 })
  network().heal()
  expect((await waiting).data).toEqual({ n: 1 })
  await b.sessions.create('t')
  for (const after of ['', 'nonsense', `${token}A`, token.slice(1)]) {
    await expect(b.sessions.open('s', { after })).rejects.toMatchObject({ code: 'INVALID_TOKEN' })
  }
  await expect(b.sessions.open('t', { after: token })).rejects.toMatchObject({ code: 'INVALID_TOKEN' })
  await expect(a.sessions.get('s', { freshness: 'new' as 'quorum' })).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
  })
  session.close()
})

test('a session that has ended says so to whoever brings a token of its life', async () => {
  const [a, b] = await start(2)
  if (a === undefined || b === undefined) throw new Error('no peers')
  const { session, receipt } = await a.sessions.create('s')
  session.close()
  silence()
  const { token } = await a.sessions.terminate('s', { durability: 'local' })
  await expect(b.sessions.open('s', { after: token })).rejects.toMatchObject({ code: 'SESSION_TERMINATED' })
  await expect(b.sessions.open('s', { after: receipt.token })).rejects.toMatchObject({ code: 'SESSION_TERMINATED' })
})

test('a read of the quorum shows what any majority has acknowledged, and fails if there is none to ask', async () => {
  const [a, b, c] = await start(3)
  if (a === undefined || b === undefined || c === undefined) throw new Error('no peers')
  const { session } = await a.sessions.create('s', { durability: 'all' })
  silence()
  await session.set('n', 1, { durability: 'local' })
  expect((await c.sessions.get('s')).data).toEqual({})
  expect((await c.sessions.get('s', { freshness: 'quorum' })).data).toEqual({ n: 1 })
  // Cut off, and not yet aware of it.
  network().cut('a', 'c')
  network().cut('b', 'c')
  const options = { freshness: 'quorum', timeoutMs: 50 } as const
  await expect(c.sessions.get('s', options)).rejects.toMatchObject({ code: 'SESSION_UNAVAILABLE' })
  expect((await c.sessions.get('s')).data).toEqual({ n: 1 })
  session.close()
})

test('a peer that keeps nothing of a session serves it to whoever brings a token', async () => {
  const peers = await start(5, { replicationFactor: 2 })
  const [a] = peers
  if (a === undefined) throw new Error('no peers')
  const { session, receipt } = await a.sessions.create('s', { data: { n: 0 } })
  let { token } = receipt
  for (let n = 1; n <= 50; n++) {
    const peer = peers[n % peers.length]
    const hopped = await peer?.sessions.open('s', { after: token })
    expect(hopped?.data.get('n')).toBe(n - 1)
    token = (await hopped?.set('n', n))?.token ?? ''
    hopped?.close()
  }
  session.close()
})

test('of a document too large for a token, everyone is asked', async () => {
  const [a, b] = await start(2)
  if (a === undefined || b === undefined) throw new Error('no peers')
  const { session } = await a.sessions.create('s', { durability: 'all' })
  await session.transact((doc) => {
    const text = doc.getText('t')
    text.insert(0, 'x'.repeat(6_000))
    for (let index = 0; index < 2_500; index++) text.delete(index, 1)
  })
  await eventually('b to have it', () => b.sessions.count() === 1)
  silence()
  const { token } = await session.transact((doc) => doc.getText('t').delete(0, 1), { durability: 'local' })
  const lengthAt = async (options: { after?: string }) => {
    const opened = await b.sessions.open('s', options)
    const { length } = opened.doc.getText('t')
    opened.close()
    return length
  }
  expect(await lengthAt({})).toBe(3_500)
  expect(await lengthAt({ after: token })).toBe(3_499)
  session.close()
})
