// Damage to one peer's data directory while it is down, and while it runs: with replicas up it becomes equal to them
// again, by anti-entropy alone, whatever was hit.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { MeshPeer } from '../../node/peer.ts'
import type { Store } from '../../node/ports/store.ts'
import { createLevelStore } from '../../node/store/level.ts'
import { filesOf, inflict, randomOf } from '../support/damage.ts'
import { eventuallyAsync, memoryPeer, startMemoryMesh, type MemoryMesh } from '../support/memory-mesh.ts'

const SESSIONS = 300
const ROUNDS = 12
const OPTIONS = { name: 'z', shardCount: 8, syncIntervalMs: 100, heartbeatIntervalMs: 100, hydratedSessionsMax: 0 }

let scratch: string
let mesh: MemoryMesh
let subject: MeshPeer | undefined
beforeEach(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'sessionmesh-heal-'))
  mesh = await startMemoryMesh(2, { syncIntervalMs: 100, heartbeatIntervalMs: 100 })
})
afterEach(async () => {
  await subject?.stop()
  await mesh.stop()
  rmSync(scratch, { recursive: true, force: true })
})

async function startSubject(store: Store = createLevelStore({ directory: scratch }), options = {}): Promise<MeshPeer> {
  const peer = memoryPeer(mesh.network.transport('z'), store, { ...OPTIONS, ...options })
  subject = peer
  await peer.start()
  return peer
}

/** Waits until the subject holds what the first peer holds; returns how many sessions. */
async function equal(peer: MeshPeer): Promise<number> {
  let sessions = 0
  await eventuallyAsync('the damaged peer to become equal', async () => {
    const [ours, theirs] = [await peer.sessions.contentHash(), await first().sessions.contentHash()]
    sessions = ours.sessions
    return ours.hash === theirs.hash
  })
  return sessions
}

function first(): MeshPeer {
  const [peer] = mesh.peers
  if (peer === undefined) throw new Error('the mesh has no peers')
  return peer
}

test(`${ROUNDS} rounds of damage to a peer that is down`, async () => {
  const random = randomOf(7)
  let peer = await startSubject()
  await createSessions(first())
  for (let round = 0; round < ROUNDS; round++) {
    await equal(peer)
    await touchSome(first(), round)
    await touchSome(peer, round)
    await peer.stop()
    const files = filesOf(scratch).filter(
      ({ path, bytes }) => bytes > 0 && /db\/(.*\.(ldb|log)|MANIFEST.*)$/.test(path),
    )
    for (let hit = 0; hit < 3; hit++) {
      const file = files[random(files.length)]
      if (file === undefined) throw new Error('there is nothing to damage')
      const at = random(file.bytes)
      inflict(
        scratch,
        round % 4 === 3
          ? { kind: 'truncate', path: file.path, at }
          : { kind: 'flip', path: file.path, at, bit: random(8) },
      )
    }
    peer = await startSubject()
    expect(await equal(peer), `round ${round}`).toBe(SESSIONS)
  }
})

test('a record that rots while the peer runs is found by the check, and comes back from the others', async () => {
  const store = createLevelStore({ directory: scratch })
  const peer = await startSubject(store)
  await createSessions(first())
  await equal(peer)
  const before = await first().sessions.contentHash()
  await rot(store, 's7', 1)
  const report = await peer.store.validateIntegrity()
  expect(report).toMatchObject({ healthy: false, damaged: 1, damagedSessions: ['s7'] })
  expect(await equal(peer)).toBe(SESSIONS)
  expect(await peer.sessions.contentHash()).toEqual(before)
  // One that is just being written is not judged, nor counted.
  await eventuallyAsync('a check that finds nothing', async () => {
    const { healthy, sessions } = await peer.store.validateIntegrity()
    return healthy && sessions === SESSIONS
  })
})

test('the check in the background finds it too, and mends from memory what is open', async () => {
  const store = createLevelStore({ directory: scratch })
  const peer = await startSubject(store, { scrubIntervalMs: 20, scrubBytesPerSecond: 1e9 })
  await createSessions(first())
  await equal(peer)
  const open = await peer.sessions.open('s8')
  await rot(store, 's7', 1)
  await rot(store, 's8', 1)
  await eventuallyAsync('both to be on disk again', async () => {
    const stored = await Promise.all([store.read('s7'), store.read('s8')])
    return stored.every((session) => session?.base !== undefined || (session?.tail.length ?? 0) > 0)
  })
  open.close()
  await equal(peer)
  await eventuallyAsync('a check that finds nothing', async () => {
    const { healthy, sessions } = await peer.store.validateIntegrity()
    return healthy && sessions === SESSIONS
  })
})

test('what this boot wrote and lost is not overwritten by what it writes next', async () => {
  const store = createLevelStore({ directory: scratch })
  const peer = await startSubject(store)
  const { session } = await peer.sessions.create('lost', { data: { first: 1 }, durability: 3 })
  session.close()
  await equal(peer)
  mesh.network.cut('z', 'a')
  mesh.network.cut('z', 'b')
  await rot(store, 'lost', 1)
  // The same client id would give this change the clock of the one that was lost.
  const again = await peer.sessions.open('lost')
  await again.set('second', 2, { durability: 'local' })
  again.close()
  mesh.network.heal()
  await equal(peer)
  expect((await peer.sessions.get('lost')).data).toEqual({ first: 1, second: 2 })
  expect((await first().sessions.get('lost')).data).toEqual({ first: 1, second: 2 })
})

async function createSessions(peer: MeshPeer): Promise<void> {
  const ids = Array.from({ length: SESSIONS }, (_, i) => `s${i}`)
  await Promise.all(
    ids.map(async (id) => {
      const { session } = await peer.sessions.create(id, { data: { id, text: id.repeat(20) }, durability: 'local' })
      session.close()
    }),
  )
}

async function touchSome(peer: MeshPeer, round: number): Promise<void> {
  for (let i = round; i < SESSIONS; i += 17) {
    const session = await peer.sessions.open(`s${i}`)
    await session.set(`round-${round}`, peer.name.repeat(30), { durability: 'local' })
    session.close()
  }
}

/** Takes one record out of what is stored, as bit rot and the quarantine do. */
async function rot(store: Store, session: string, sequence: number): Promise<void> {
  const stored = await store.read(session)
  if (stored === undefined) throw new Error(`there is no ${session}`)
  await store.remove(session)
  await store.append(stored.tail.filter((record) => record.sequence !== sequence))
}
