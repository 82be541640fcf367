// Recovery after a start: the most important sessions first, all of them served meanwhile, and what was found is told.
import { afterEach, expect, test } from 'vitest'
import { SessionMeshError } from '../../../crdt/errors.ts'
import type { Priority } from '../../../node/api.ts'
import type { PeerOptions } from '../../../node/config.ts'
import type { MeshPeer } from '../../../node/peer.ts'
import { systemClock } from '../../../node/ports/clock.ts'
import { Recovery } from '../../../node/recovery/recovery.ts'
import { newEntry } from '../../../node/sessions/entry.ts'
import { createMemoryStore, type MemoryStore } from '../../../node/store/memory.ts'
import { createMemoryNetwork } from '../../../transport/memory/index.ts'
import { eventually, memoryPeer } from '../../support/memory-mesh.ts'

/** Sessions under way at once may overtake one another. */
const WORKERS = 8
const PRIORITIES: readonly Priority[] = ['critical', 'high', 'normal', 'low']
const EACH = 30

const running: MeshPeer[] = []

afterEach(async () => {
  await Promise.all(running.splice(0).map((peer) => peer.stop()))
})

function makePeer(store: MemoryStore, options: PeerOptions = {}): MeshPeer {
  const transport = createMemoryNetwork({ timers: systemClock }).transport('a')
  const peer = memoryPeer(transport, store, { name: 'a', shardCount: 4, durability: 'local', ...options })
  running.push(peer)
  return peer
}

/** A store with sessions of every priority, in an order that has nothing to do with it. */
async function filled(): Promise<MemoryStore> {
  const store = createMemoryStore()
  const peer = makePeer(store)
  await peer.start()
  for (let i = 0; i < EACH; i++) {
    for (const priority of PRIORITIES.toReversed()) {
      const { session } = await peer.sessions.create(`${i}-${priority}`, { priority, data: { i } })
      session.close()
    }
  }
  await peer.sessions.terminate('0-low')
  await peer.stop()
  return store
}

test('critical sessions are recovered first, then high, normal and low ones; tombstones are not', async () => {
  const peer = makePeer(await filled())
  const order: string[] = []
  peer.on('transition', ({ session, transition }) => {
    expect(transition).toMatchObject({ from: 'recovering', to: 'active' })
    order.push(session)
  })
  await peer.start()
  await eventually('recovery to end', () => !peer.recovery.progress().running)
  expect(order).toHaveLength(4 * EACH - 1)
  for (const [stage, priority] of PRIORITIES.entries()) {
    const wanted = order.slice(stage * EACH + WORKERS, (stage + 1) * EACH - WORKERS)
    expect(wanted.filter((id) => !id.endsWith(priority))).toEqual([])
  }
  expect(peer.recovery.stats()).toMatchObject({ recovered: 119, sound: 119, damaged: 0, alone: 119, compared: 0 })
  const { stages } = peer.recovery.progress()
  expect(stages.map(({ priority, state, done, total }) => [priority, state, done, total])).toEqual([
    ['critical', 'done', 30, 30],
    ['high', 'done', 30, 30],
    ['normal', 'done', 30, 30],
    ['low', 'done', 29, 29],
  ])
})

test('a session that is waiting for its stage is served all the same, and can be taken first', async () => {
  const recoveryStages = [
    { priority: 'critical' as const, delay: 0 },
    { priority: 'normal' as const, delay: 3_600_000 },
  ]
  const peer = makePeer(await filled(), { recoveryStages })
  await peer.start()
  await eventually('the critical ones', () => peer.recovery.progress().stages[0]?.state === 'done')
  expect(await peer.sessions.get('3-critical')).toMatchObject({ state: 'active' })
  expect(await peer.sessions.get('3-low')).toMatchObject({ state: 'recovering', data: { i: 3 } })
  expect(peer.recovery.progress()).toMatchObject({ running: true, done: EACH, total: 119 })
  expect(peer.recovery.progress().stages[1]).toMatchObject({ priority: 'normal', state: 'waiting', done: 0 })
  expect(peer.recovery.prioritize(['3-low', '4-high', '3-critical', 'none'])).toEqual({ prioritized: 2 })
  await eventually('the two', () => peer.recovery.stats().recovered === EACH + 2)
  expect(await peer.sessions.get('3-low')).toMatchObject({ state: 'active' })
  expect(await peer.sessions.get('5-low')).toMatchObject({ state: 'recovering' })

  const session = await peer.sessions.open('5-low')
  await session.set('i', 'written meanwhile')
  session.close()
  await peer.sessions.terminate('6-low')
  peer.recovery.staged([{ priority: 'low', delay: 0 }])
  await eventually('all of it', () => !peer.recovery.progress().running)
  expect(await peer.sessions.get('5-low')).toMatchObject({ state: 'active', data: { i: 'written meanwhile' } })
})

test('a session that lost something on disk is found', async () => {
  const store = await filled()
  const peer = makePeer(store, { recoveryStages: [{ priority: 'critical', delay: 3_600_000 }] })
  await peer.start()
  await store.remove('7-normal')
  peer.recovery.staged([{ priority: 'critical', delay: 0 }])
  await eventually('recovery to end', () => !peer.recovery.progress().running)
  expect(peer.recovery.stats()).toMatchObject({ recovered: 119, damaged: 1 })
})

test('when it is through, all of it can be looked at once more; wrong stages are refused', async () => {
  const peer = makePeer(await filled())
  await peer.start()
  await eventually('recovery to end', () => !peer.recovery.progress().running)
  expect(peer.recovery.staged([{ priority: 'low', delay: 0 }])).toMatchObject({ running: true, done: 0, total: 119 })
  await eventually('the second pass to end', () => !peer.recovery.progress().running)
  expect(peer.recovery.progress().stages.map(({ priority }) => priority)).toEqual(['low', 'critical', 'high', 'normal'])
  const twice = [
    { priority: 'low' as const, delay: 0 },
    { priority: 'low' as const, delay: 1 },
  ]
  expect(() => peer.recovery.staged(twice)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
  const negative = [{ priority: 'low' as const, delay: -1 }]
  expect(() => peer.recovery.staged(negative)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
})

test('a peer without sessions has nothing to recover', async () => {
  const peer = makePeer(createMemoryStore())
  await peer.start()
  expect(peer.recovery.progress()).toMatchObject({ running: false, done: 0, total: 0, etaMs: 0 })
  expect(peer.recovery.stats()).toMatchObject({ startedAt: null, recovered: 0 })
})

test('a replica that does not answer is no reason to leave the others of its sessions unrecovered', async () => {
  const entries = ['a', 'b'].map((id) => newEntry(id, 0))
  const errors: unknown[] = []
  const recovery = new Recovery({
    clock: systemClock,
    stages: [{ priority: 'critical', delay: 0 }],
    entries: () => entries,
    get: (id) => entries.find((entry) => entry.id === id),
    verify: async () => 'sound',
    accompanied: () => true,
    differs: () => true,
    fetch: async (id) => {
      if (id === 'a') throw new SessionMeshError('SESSION_UNAVAILABLE', 'no replica answers')
      return true
    },
    accept: () => false,
    onRecovered: () => {},
    onError: (error) => errors.push(error),
  })
  recovery.begin()
  await eventually('recovery to end', () => !recovery.progress().running)
  expect(errors).toEqual([])
  expect(recovery.stats()).toMatchObject({ recovered: 2, compared: 1, alone: 1 })
})
