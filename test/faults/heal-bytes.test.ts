// The damages of store-bytes.test.ts, healed: a peer starts on each damaged directory beside two healthy replicas and
// becomes equal to them, on disk too, whether anything was set aside or it is only older than they are. What they hold
// stays as it was. Several meshes side by side, on a clock that runs ahead: most of what healing takes is waiting.
//
// One in four of the damages, unless FAULT_HEAL_EVERY says otherwise: 1 for all, some minutes.
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { hasCode } from '../../crdt/errors.ts'
import type { PeerOptions } from '../../node/config.ts'
import type { MeshPeer } from '../../node/peer.ts'
import type { Store } from '../../node/ports/store.ts'
import { createLevelStore } from '../../node/store/level.ts'
import { createMemoryStore } from '../../node/store/memory.ts'
import { createMemoryNetwork, type MemoryNetwork } from '../../transport/memory/index.ts'
import { damages, filesOf, inflict, kindOf, type Damage } from '../support/damage.ts'
import { fastClock } from '../support/fast-clock.ts'
import { eventuallyAsync, memoryPeer } from '../support/memory-mesh.ts'
import { recordStore } from '../support/recorded-store.ts'

const SEED = Number(process.env['FAULT_SEED'] ?? 1)
const CASES = Number(process.env['FAULT_CASES'] ?? 1_000)
const EVERY = Number(process.env['FAULT_HEAL_EVERY'] ?? 4)
const SESSIONS = 100
const MESHES = 4
const HEAL_TIMEOUT_MS = 20_000
const OPTIONS: PeerOptions = {
  shardCount: 8,
  syncIntervalMs: 200,
  heartbeatIntervalMs: 500,
  hydratedSessionsMax: 0,
  scrubBytesPerSecond: 0,
  durability: 'local',
}
const clock = fastClock(10)

/** Two healthy replicas, and the network in which the damaged peer joins them. */
interface Replicas {
  readonly network: MemoryNetwork
  readonly first: MeshPeer
  readonly peers: readonly MeshPeer[]
}

let directory: string
let meshes: readonly Replicas[] = []
let expected: { readonly sessions: number; readonly hash: string }

beforeAll(async () => {
  const recorded = await recordStore(SESSIONS)
  directory = recorded.copy()
  recorded.remove()
  const stores = [createMemoryStore(), createMemoryStore()]
  const recording = await startReplicas(stores)
  // As a peer leaves it: with summaries, and an identity. Then the others go on without it.
  const subject = await startSubject(recording, directory)
  await equal(subject, recording)
  await subject.stop()
  await writeOn(recording.first)
  expected = await recording.first.sessions.contentHash()
  await equal(recording.peers[1] ?? recording.first, recording)
  await stopAll(recording.peers)
  meshes = await Promise.all(
    Array.from({ length: MESHES }, async () => startReplicas(await Promise.all(stores.map(copyOf)))),
  )
}, 60_000)

afterAll(async () => {
  await stopAll(meshes.flatMap(({ peers }) => peers))
  rmSync(directory, { recursive: true, force: true })
})

test(`with replicas up, a peer heals from 1 in ${EVERY} of ${CASES} flips, truncations and missing files`, async () => {
  const all = [...damages(filesOf(directory), SEED, CASES)]
  const left = all.filter((_, i) => i % EVERY === SEED % EVERY).values()
  const counts: Record<string, number> = {}
  const faults: string[] = []
  await Promise.all(
    meshes.map(async (mesh) => {
      for (const damage of left) {
        try {
          const row = `${kindOf(damage.path)} ${damage.kind} ${await healedFrom(damage, mesh)}`
          counts[row] = (counts[row] ?? 0) + 1
        } catch (error) {
          faults.push(`${JSON.stringify(damage)}: ${String(error)}`)
        }
      }
    }),
  )
  process.stdout.write(`seed ${SEED}: ${JSON.stringify(counts, null, 2)}\n`)
  expect(faults).toEqual([])
  for (const { peers } of meshes) {
    for (const peer of peers) expect(await peer.sessions.contentHash()).toEqual(expected)
  }
}, 900_000)

/** What the peer said when it opened the damaged directory, before it was healed. */
async function healedFrom(damage: Damage, mesh: Replicas): Promise<'healed' | 'healed, reported' | 'refused'> {
  const damaged = mkdtempSync(join(tmpdir(), 'sessionmesh-heal-'))
  try {
    cpSync(directory, damaged, { recursive: true })
    inflict(damaged, damage)
    const said: string[] = []
    const subject = await startSubject(mesh, damaged, (finding) => said.push(finding))
    try {
      await equal(subject, mesh)
      await sound(subject, mesh)
    } finally {
      await subject.stop()
    }
    return said.length > 0 ? 'healed, reported' : 'healed'
  } catch (error) {
    if (hasCode(error) && error.code.startsWith('STORE_')) return 'refused'
    throw error
  } finally {
    rmSync(damaged, { recursive: true, force: true })
  }
}

async function equal(peer: MeshPeer, { first }: Replicas): Promise<void> {
  await eventuallyAsync(
    'the damaged peer to become equal',
    async () => (await peer.sessions.contentHash()).hash === (await first.sessions.contentHash()).hash,
    HEAL_TIMEOUT_MS,
  )
}

/** Waits until its disk holds what it says. */
async function sound(peer: MeshPeer, mesh: Replicas): Promise<void> {
  await eventuallyAsync(
    'the disk of the damaged peer to be whole',
    async () => {
      const { damaged } = await peer.store.validateIntegrity()
      if (damaged > 0) await equal(peer, mesh)
      return damaged === 0
    },
    HEAL_TIMEOUT_MS,
  )
}

async function startReplicas(stores: readonly Store[]): Promise<Replicas> {
  const network = createMemoryNetwork({ timers: clock })
  const peers = stores.map((store, i) => start(network, `replica-${i}`, store))
  await Promise.all(peers)
  const [first, ...others] = await Promise.all(peers)
  if (first === undefined) throw new Error('a mesh without peers')
  return { network, first, peers: [first, ...others] }
}

function startSubject(mesh: Replicas, path: string, onDamage?: (finding: string) => void): Promise<MeshPeer> {
  return start(mesh.network, 'subject', createLevelStore({ directory: path }), onDamage)
}

async function start(
  network: MemoryNetwork,
  name: string,
  store: Store,
  onDamage: (finding: string) => void = () => {},
): Promise<MeshPeer> {
  const log = (_level: string, message: string) => void (message.startsWith('store ') && onDamage(message))
  const peer = memoryPeer(network.transport(name), store, { ...OPTIONS, name }, { clock, log })
  await peer.start()
  return peer
}

async function stopAll(peers: readonly MeshPeer[]): Promise<void> {
  await Promise.all(peers.map((peer) => peer.stop()))
}

/** Changes some sessions, ends some, and makes new ones. */
async function writeOn(peer: MeshPeer): Promise<void> {
  const ids = (await peer.sessions.list({ limit: 1_000 })).map(({ id }) => id)
  for (const [i, id] of ids.entries()) {
    if (i % 7 === 0) {
      const session = await peer.sessions.open(id)
      await session.set('later', i)
      session.close()
    }
    if (i % 31 === 0) await peer.sessions.terminate(id)
    if (i % 13 === 0) (await peer.sessions.create(`new-${id}`, { data: { i } })).session.close()
  }
}

async function copyOf(store: Store): Promise<Store> {
  const copy = createMemoryStore()
  await store.open()
  await copy.open()
  for await (const { stored } of store.sessions()) {
    if (stored.base !== undefined) await copy.compact(stored.base)
    await copy.append(stored.tail)
  }
  return copy
}
