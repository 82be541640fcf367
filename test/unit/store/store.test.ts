// The LevelDB store by its contract, and what is its own: locks, damaged records, the format on disk.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ClassicLevel } from 'classic-level'
import { afterAll, expect, test } from 'vitest'
import { createLevelStore } from '../../../node/store/level.ts'
import { createMemoryStore } from '../../../node/store/memory.ts'
import { decodeLogRecord, encodeLogRecord, logKey } from '../../../node/store/record.ts'
import { logRecord, runStoreContract } from '../../contract/store.contract.ts'

const scratch = mkdtempSync(join(tmpdir(), 'sessionmesh-store-'))
afterAll(() => rmSync(scratch, { recursive: true }))
const newDirectory = () => mkdtempSync(join(scratch, 's-'))

runStoreContract('memory', async () => ({ store: createMemoryStore() }))
runStoreContract('level', async () => {
  const directory = newDirectory()
  return { store: createLevelStore({ directory }), reopen: () => createLevelStore({ directory }) }
})

test('a directory in use is refused by name', async () => {
  const directory = newDirectory()
  const store = createLevelStore({ directory })
  await store.open()
  await expect(createLevelStore({ directory }).open()).rejects.toMatchObject({
    code: 'STORE_LOCKED',
    message: expect.stringContaining(directory),
  })
  await store.close()
})

test('a damaged record is set aside and the rest of its session is served', async () => {
  const directory = newDirectory()
  const store = createLevelStore({ directory })
  await store.open()
  await store.append([logRecord('a', 1), logRecord('a', 2), logRecord('b', 1)])
  await store.close()
  const db = new ClassicLevel<Uint8Array, Uint8Array>(join(directory, 'db'), {
    keyEncoding: 'view',
    valueEncoding: 'view',
  })
  const value = (await db.get(logKey('a', 1))) ?? new Uint8Array()
  await db.put(logKey('a', 1), value.with(3, 255 - (value[3] ?? 0)))
  await db.close()
  const again = createLevelStore({ directory })
  await again.open()
  expect((await again.read('a'))?.tail).toEqual([logRecord('a', 2)])
  expect((await again.read('b'))?.tail).toEqual([logRecord('b', 1)])
  await again.close()
  expect(readFileSync(join(directory, 'quarantine.jsonl'), 'utf8').trim().split('\n')).toHaveLength(1)
})

test('a record under a key that is not its own is damaged', () => {
  const bytes = encodeLogRecord(logKey('a', 1), logRecord('a', 1))
  expect(decodeLogRecord(logKey('a', 1), 'a', 1, bytes)).toEqual(logRecord('a', 1))
  expect(decodeLogRecord(logKey('a', 2), 'a', 2, bytes)).toBeUndefined()
})

test('the format of a log record is what it was', () => {
  const bytes = encodeLogRecord(logKey('a', 1), logRecord('a', 1))
  expect(Buffer.from(bytes).toString('hex')).toMatchInlineSnapshot(`"01066f726967696e0362303007d2090101a921f6e7"`)
})
