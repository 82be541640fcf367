// A peer that starts again: from summaries where they hold, from the sessions themselves where they do not, and serving
// before it has read them all.
import { afterEach, expect, test } from 'vitest'
import type { MeshPeer } from '../../node/peer.ts'
import type { Store } from '../../node/ports/store.ts'
import { systemClock } from '../../node/ports/clock.ts'
import { createMemoryStore } from '../../node/store/memory.ts'
import { createMemoryNetwork } from '../../transport/memory/index.ts'
import { eventually, memoryPeer } from '../support/memory-mesh.ts'

const SESSIONS = 500
/** Recovery reads sessions too, in its own time. */
const LATER = { recoveryStages: [{ priority: 'critical' as const, delay: 3_600_000 }] }

const running: MeshPeer[] = []
afterEach(async () => {
  await Promise.all(running.splice(0).map((peer) => peer.stop()))
})

async function start(store: Store): Promise<MeshPeer> {
  const network = createMemoryNetwork({ timers: systemClock })
  const peer = memoryPeer(network.transport('a'), store, { name: 'a', shardCount: 8, durability: 'local', ...LATER })
  running.push(peer)
  await peer.start()
  return peer
}

async function createSessions(peer: MeshPeer): Promise<void> {
  for (let i = 0; i < SESSIONS; i++) {
    const priority = i % 50 === 0 ? 'critical' : 'normal'
    const { session } = await peer.sessions.create(`s${i}`, { data: { i }, priority })
    session.close()
  }
  await peer.sessions.terminate('s7')
}

/** A store that counts how often sessions themselves are read. */
function counted(store: Store): { store: Store; reads: () => number } {
  let reads = 0
  const counting = new Proxy(store, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function') return value
      if (name === 'read' || name === 'sessions') reads++
      return value.bind(target) as unknown
    },
  })
  return { store: counting, reads: () => reads }
}

test('after a clean stop no session is read, and nothing is missing', async () => {
  const disk = createMemoryStore()
  const before = await start(disk)
  await createSessions(before)
  const hash = await before.sessions.contentHash()
  await before.stop()
  const { store, reads } = counted(disk)
  const after = await start(store)
  expect(reads()).toBe(0)
  expect(await after.sessions.contentHash()).toEqual(hash)
  expect(after.sessions.count()).toBe(SESSIONS - 1)
  expect(await after.sessions.list({ priority: 'critical' })).toHaveLength(SESSIONS / 50)
  await expect(after.sessions.get('s7')).rejects.toMatchObject({ code: 'SESSION_TERMINATED' })
  expect((await after.sessions.get('s8')).data).toEqual({ i: 8 })
})

test('after a crash what was written to since is read anew, and the rest is not', async () => {
  const disk = createMemoryStore()
  const first = await start(disk)
  await createSessions(first)
  await first.stop()
  const second = await start(disk)
  for (let i = 10; i < 20; i++) {
    const session = await second.sessions.open(`s${i}`)
    await session.set('again', i)
    session.close()
  }
  const hash = await second.sessions.contentHash()
  // Not stopped: the store is taken from under it, as by a crash.
  const { store, reads } = counted(disk)
  const third = await start(store)
  expect(reads()).toBe(10)
  expect(await third.sessions.contentHash()).toEqual(hash)
  expect((await third.sessions.get('s12')).data).toEqual({ i: 12, again: 12 })
})

test('serves every session before it has read them all', async () => {
  const disk = createMemoryStore()
  const before = await start(disk)
  await createSessions(before)
  const hash = await before.sessions.contentHash()
  await before.stop()
  let release = () => {}
  const held = new Promise<void>((resolve) => {
    release = resolve
  })
  const summaries = disk.summaries.bind(disk)
  disk.summaries = async function* () {
    await held
    yield* summaries()
  }
  const after = await start(disk)
  expect(after.sessions.status()).toMatchObject({ sessions: 0, syncState: 'syncing' })
  expect((await after.sessions.get('s8')).data).toEqual({ i: 8 })
  await expect(after.sessions.create('s9')).rejects.toMatchObject({ code: 'SESSION_EXISTS' })
  await expect(after.sessions.get('s7')).rejects.toMatchObject({ code: 'SESSION_TERMINATED' })
  await expect(after.sessions.get('never')).rejects.toMatchObject({ code: 'SESSION_NOT_FOUND' })
  const { session } = await after.sessions.create('new', { data: { n: 1 } })
  await session.delete('n')
  const open = await after.sessions.open('s10')
  await open.set('i', 10) // writes what is there already: another digest all the same
  release()
  await eventually('all sessions to be read', () => after.sessions.count() === SESSIONS)
  expect(await after.sessions.contentHash()).not.toEqual(hash)
  expect((await after.sessions.get('s10')).data).toEqual({ i: 10 })
})
