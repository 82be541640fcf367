// Purging a peer with a real disk: what deleted sessions took on it is given back.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { systemClock } from '../../node/ports/clock.ts'
import { systemRandom } from '../../node/ports/random.ts'
import { createLevelStore } from '../../node/store/level.ts'
import { createMemoryNetwork } from '../../transport/memory/index.ts'
import { eventuallyAsync, memoryPeer } from '../support/memory-mesh.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sessionmesh-purge-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

const DELETED = 400
const KEPT = 20
const CONTENT_BYTES = 8_192

/** Can't be compressed: its bytes are what it takes. */
const content = () => Buffer.from(systemRandom.bytes(CONTENT_BYTES / 2)).toString('hex')

function startPeer(options: object = {}) {
  const network = createMemoryNetwork({ timers: systemClock })
  const store = createLevelStore({ directory })
  return memoryPeer(network.transport('a'), store, {
    name: 'a',
    durability: 'local',
    snapshotIntervalMs: 0,
    ...options,
  })
}

test('the content of deleted sessions leaves the disk, tombstones stay until their time, and what is kept is kept', async () => {
  const peer = startPeer()
  await peer.start()
  const ids = Array.from({ length: DELETED + KEPT }, (_, index) => `s${index}`)
  for (const id of ids) (await peer.sessions.create(id, { data: { content: content() } })).session.close()
  for (const id of ids.slice(KEPT)) await peer.sessions.terminate(id)
  const before = await peer.sessions.contentHash()
  expect(await peer.store.purge({ dryRun: true })).toMatchObject({
    tombstones: DELETED,
    stripped: DELETED,
    forgotten: 0,
  })
  const { bytesBefore, bytesAfter, ...report } = await peer.store.purge()
  expect(report).toEqual({ dryRun: false, tombstones: DELETED, stripped: DELETED, forgotten: 0, busy: 0 })
  expect(bytesBefore).toBeGreaterThan(DELETED * CONTENT_BYTES)
  expect(bytesAfter).toBeLessThan((KEPT + 40) * CONTENT_BYTES)
  expect(await peer.sessions.contentHash()).toEqual(before)
  await peer.stop()
  const again = startPeer()
  await again.start()
  expect(await again.sessions.contentHash()).toEqual(before)
  await expect(again.sessions.get('s100')).rejects.toMatchObject({ code: 'SESSION_TERMINATED' })
  await again.stop()
})

test('past their retention tombstones are forgotten, by themselves, for good', async () => {
  const options = { tombstoneRetentionMs: 500, clockSkewMaxMs: 10, terminatedHistoryMs: 0, returnPatienceMs: 0 }
  const peer = startPeer(options)
  await peer.start()
  await peer.sessions.create('kept')
  await peer.sessions.create('s', { data: { content: content() } }).then(({ session }) => session.close())
  await peer.sessions.terminate('s')
  const { hash } = await peer.sessions.contentHash()
  await eventuallyAsync('the tombstone to be forgotten', async () => {
    return (await peer.store.purge({ dryRun: true })).tombstones === 0
  })
  expect((await peer.sessions.contentHash()).hash).not.toBe(hash)
  await expect(peer.sessions.get('s')).rejects.toMatchObject({ code: 'SESSION_NOT_FOUND' })
  await peer.stop()
  const again = startPeer(options)
  await again.start()
  await expect(again.sessions.get('s')).rejects.toMatchObject({ code: 'SESSION_NOT_FOUND' })
  expect(again.sessions.count()).toBe(1)
  await again.stop()
})
