// A peer whose store waits for room: refused writes change nothing, reads go on, and what was under way is not lost.
import { afterEach, expect, test } from 'vitest'
import { eventually, startMemoryMesh, type MemoryMesh } from '../support/memory-mesh.ts'

let mesh: MemoryMesh
afterEach(() => mesh.stop())

test('writes are refused while the disk is full, and those under way are acknowledged afterwards', async () => {
  mesh = await startMemoryMesh(2)
  const [subject, other] = mesh.peers
  const [store] = mesh.stores
  if (subject === undefined || other === undefined || store === undefined) throw new Error('the mesh is too small')
  const { session } = await subject.sessions.create('s', { data: { n: 1 } })
  const free = store.fill()
  await expect(session.set('n', 2)).rejects.toMatchObject({ code: 'STORE_FULL' })
  await expect(subject.sessions.create('t')).rejects.toMatchObject({ code: 'STORE_FULL' })
  expect((await subject.sessions.get('s')).data).toEqual({ n: 1 })
  expect(subject.health.check()).toEqual({ healthy: false })

  // The other peer's write has one copy only for as long as that lasts.
  const open = await other.sessions.open('s')
  expect(await open.set('n', 3, { timeoutMs: 200 })).toMatchObject({ copies: 1, degraded: true })
  free()
  expect(subject.health.check()).toEqual({ healthy: true })
  await eventually('the write to arrive', () => session.data.get('n') === 3)
  expect(await session.set('n', 4)).toMatchObject({ copies: 2, degraded: false })
  session.close()
  open.close()
})
