// The store contract, run on both stores that ship.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { createLevelStore } from '../../../node/store/level.ts'
import { createMemoryStore } from '../../../node/store/memory.ts'
import { logRecord, runStoreContract } from '../../contract/store.contract.ts'

const scratch = mkdtempSync(join(tmpdir(), 'sessionmesh-store-'))
afterAll(() => rmSync(scratch, { recursive: true }))

runStoreContract('memory', async () => ({ store: createMemoryStore() }))
runStoreContract('level', async () => {
  const directory = mkdtempSync(join(scratch, 's-'))
  return { store: createLevelStore({ directory }), reopen: () => createLevelStore({ directory }) }
})

test('the memory store fails the next append when told to, and that one alone', async () => {
  const store = createMemoryStore()
  await store.open()
  store.failNextAppend(new Error('disk full'))
  await expect(store.append([logRecord('a', 1)])).rejects.toMatchObject({ code: 'STORE_FAILED', message: 'disk full' })
  await store.append([logRecord('a', 2)])
  expect((await store.read('a'))?.tail).toEqual([logRecord('a', 2)])
})
