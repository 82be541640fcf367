// The store as a peer sees it: what still uses it when the peer stops must not take that for a failure of the disk.
import { expect, test } from 'vitest'
import { systemClock } from '../../../node/ports/clock.ts'
import { createMemoryTarget } from '../../../node/snapshots/memory-target.ts'
import { endingStore } from '../../../node/store/ending-store.ts'
import { createMemoryStore } from '../../../node/store/memory.ts'
import { createMemoryNetwork } from '../../../transport/memory/index.ts'
import { logRecord, runStoreContract } from '../../contract/store.contract.ts'
import { memoryPeer } from '../../support/memory-mesh.ts'

runStoreContract('ending', async () => ({ store: endingStore(createMemoryStore()).store }))

test('once ended, whoever still uses it is told that the peer stops', async () => {
  const disk = createMemoryStore()
  const { store, end } = endingStore(disk)
  await store.open()
  await store.append([logRecord('a', 1), logRecord('b', 1)])
  const sessions = store.sessions()[Symbol.asyncIterator]()
  const view = store.view()
  await sessions.next()
  end()
  await store.close()
  const stopping = { code: 'PEER_NOT_RUNNING' }
  await expect(sessions.next()).rejects.toMatchObject(stopping)
  await expect(store.read('a')).rejects.toMatchObject(stopping)
  await expect(view.read('a')).rejects.toMatchObject(stopping)
  await expect(store.append([logRecord('a', 2)])).rejects.toMatchObject(stopping)
  expect(() => store.view()).toThrow(expect.objectContaining(stopping))
})

test('a snapshot that is being written when the peer stops ends with that', async () => {
  const disk = createMemoryStore()
  const reading = Promise.withResolvers<void>()
  const stopped = Promise.withResolvers<void>()
  const view = disk.view.bind(disk)
  disk.view = () => ({
    ...view(),
    async *sessions() {
      reading.resolve()
      await stopped.promise
      yield { session: 'a', stored: (await disk.read('a')) ?? { base: undefined, tail: [] } }
    },
  })
  const transport = createMemoryNetwork({ timers: systemClock }).transport('a')
  const peer = memoryPeer(transport, disk, { name: 'a' }, { snapshotTarget: createMemoryTarget() })
  await peer.start()
  const { id } = await peer.snapshots.create()
  const written = peer.snapshots.persist(id).catch((error: unknown) => error)
  await reading.promise
  await peer.stop()
  stopped.resolve()
  expect(await written).toMatchObject({ code: 'PEER_NOT_RUNNING' })
})
