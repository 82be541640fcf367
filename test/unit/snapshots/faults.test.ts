// Damaged snapshot files: whatever byte is changed, lost or added, reading ends in an error that names the file, and
// nothing of it is taken in.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { hasCode } from '../../../crdt/index.ts'
import type { MeshPeer } from '../../../node/peer.ts'
import { createMemoryTarget } from '../../../node/snapshots/memory-target.ts'
import { startMemoryMesh, type MemoryMesh } from '../../support/memory-mesh.ts'

const target = createMemoryTarget()
let mesh: MemoryMesh
let peer: MeshPeer
let chain: readonly string[]
let whole: ReadonlyMap<string, Uint8Array>

beforeAll(async () => {
  mesh = await startMemoryMesh(1, { snapshotIntervalMs: 0, durability: 'local' }, { snapshotTarget: target })
  const [only] = mesh.peers
  if (only === undefined) throw new Error('no peer')
  peer = only
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < 12; i += round + 1) {
      const session = await peer.sessions.openOrCreate(`session-${i}`)
      await session.set('text', `round ${round} of ${i} ${'x'.repeat(i * 7)}`)
      session.close()
    }
    await peer.snapshots.persist((await peer.snapshots.create({ kind: 'auto' })).id)
  }
  chain = (await peer.snapshots.verify('latest')).chain
  whole = new Map(target.files)
})

afterAll(() => mesh.stop())

/** What verifying says while `name` holds `bytes`; undefined if it found nothing wrong. */
async function verdict(name: string, bytes: Uint8Array): Promise<unknown> {
  target.files.set(name, bytes)
  try {
    await peer.snapshots.verify(chain.at(-1) ?? '')
    return undefined
  } catch (error) {
    return error
  } finally {
    target.files.set(name, whole.get(name) ?? new Uint8Array())
  }
}

async function expectRefused(name: string, bytes: Uint8Array, what: string): Promise<void> {
  const error = await verdict(name, bytes)
  if (!hasCode(error, 'SNAPSHOT_CORRUPT')) throw new Error(`${what} of ${name}: ${String(error)}`)
  expect(error.message).toContain(name.replace('.snapshot', ''))
}

test('every single byte changed, in every file of a chain', async () => {
  let tried = 0
  for (const [name, bytes] of whole) {
    for (let at = 0; at < bytes.length; at++) {
      const damaged = bytes.slice()
      // Another bit each time, and now and then all of them.
      damaged[at] = (damaged[at] ?? 0) ^ (at % 9 === 8 ? 0xff : 1 << (at % 9))
      await expectRefused(name, damaged, `byte ${at} changed`)
      tried++
    }
  }
  expect(tried).toBeGreaterThan(1_000)
})

test('every length it may be cut off at, and bytes added', async () => {
  for (const [name, bytes] of whole) {
    for (let length = 0; length < bytes.length; length += 3) {
      await expectRefused(name, bytes.subarray(0, length), `cut off at ${length}`)
    }
    await expectRefused(name, Buffer.concat([bytes, new Uint8Array(1)]), 'a byte added')
    await expectRefused(name, Buffer.concat([bytes, bytes]), 'itself added')
  }
})

test('stretches of zeros, as a disk leaves them, and sections that changed places', async () => {
  for (const [name, bytes] of whole) {
    for (let at = 0; at + 64 < bytes.length; at += 32) {
      const damaged = bytes.slice().fill(0, at, at + 64)
      if (Buffer.compare(damaged, bytes) !== 0) await expectRefused(name, damaged, `zeros at ${at}`)
    }
  }
})

test('a whole file in the place of another is found by its name', async () => {
  const [first = '', second = ''] = [...whole.keys()]
  await expectRefused(first, whole.get(second) ?? new Uint8Array(), 'another file')
})

test('nothing of a damaged snapshot is taken in', async () => {
  const [name = ''] = [...whole.keys()]
  const bytes = whole.get(name)?.slice() ?? new Uint8Array()
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1
  target.files.set(name, bytes)
  const empty = await startMemoryMesh(1, { snapshotIntervalMs: 0 }, { snapshotTarget: target })
  await expect(empty.peers[0]?.snapshots.restore('latest')).rejects.toMatchObject({ code: 'SNAPSHOT_CORRUPT' })
  expect(empty.peers[0]?.sessions.count()).toBe(0)
  const [info] = (await peer.snapshots.list()).filter(({ id }) => name.startsWith(id))
  target.files.set(name, whole.get(name) ?? new Uint8Array())
  await empty.stop()
  expect(info).toMatchObject({ damage: null }) // known from before: the listing does not look again
})
