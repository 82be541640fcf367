// A data directory belongs to one process: a second one is refused by name, and does the first no harm.
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { PeerProcess, startMesh, type Mesh } from '../support/mesh.ts'

let mesh: Mesh
afterEach(() => mesh.close())

test('a second process on the same data directory is refused, and the first goes on', async () => {
  mesh = await startMesh(1)
  const first = mesh.peer(0)
  await first.client.post('/v1/sessions', { id: 'before' })
  const meshKeyFile = join(first.dir, '../mesh-same.key')
  const second = new PeerProcess({ name: 'second', dir: first.dir, meshKeyFile, bootstrap: () => [] })
  const refusal = await second.start().then(
    () => '',
    (error: unknown) => String(error),
  )
  expect(refusal).toContain('STORE_LOCKED')
  expect(refusal).toContain(join(first.dir, 'data'))
  await first.client.post('/v1/sessions', { id: 'after' })
  await first.restart()
  expect(await first.client.get('/v1/sessions/count')).toEqual({ count: 2 })
})
