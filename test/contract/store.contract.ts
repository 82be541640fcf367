// What every Store must do (node/ports/store.ts). Run it on your own implementation:
//
//   runStoreContract('mine', async () => ({ store: createMine(dir), reopen: () => createMine(dir) }))
import { expect, test } from 'vitest'
import type { LogRecord, Store } from '../../node/ports/store.ts'

export interface StoreFixture {
  /** New and not yet open. */
  readonly store: Store
  /** Another store over the same data; undefined if data does not outlive a store. */
  readonly reopen?: () => Store
}

export function logRecord(session: string, sequence: number, update = new Uint8Array([sequence])): LogRecord {
  return { session, sequence, origin: 'origin', boot: 'b00', frameSequence: 7, time: 1_234, update }
}

async function idsOf(store: Store): Promise<string[]> {
  const ids: string[] = []
  for await (const { session } of store.sessions()) ids.push(session)
  return ids
}

export function runStoreContract(name: string, makeFixture: () => Promise<StoreFixture>): void {
  const check = (title: string, body: (store: Store, fixture: StoreFixture) => Promise<void>) =>
    test(`${name}: ${title}`, async () => {
      const fixture = await makeFixture()
      await fixture.store.open()
      try {
        await body(fixture.store, fixture)
      } finally {
        await fixture.store.close()
      }
    })

  check('reads back what was appended, in order', async (store) => {
    await Promise.all([store.append([logRecord('a', 1), logRecord('b', 1)]), store.append([logRecord('a', 2)])])
    expect(await store.read('a')).toEqual({ base: undefined, tail: [logRecord('a', 1), logRecord('a', 2)] })
    expect(await store.read('none')).toBeUndefined()
  })

  check('keeps sessions apart whose ids begin alike, and lists each once in order', async (store) => {
    for (const id of ['ab', 'a', 'a!', 'a~', 'b']) await store.append([logRecord(id, 1)])
    expect((await store.read('a'))?.tail).toEqual([logRecord('a', 1)])
    expect(await idsOf(store)).toEqual(['a', 'a!', 'ab', 'a~', 'b'])
  })

  check('compaction replaces records up to its sequence and keeps later ones', async (store) => {
    const appended = store.append([logRecord('a', 1), logRecord('a', 2), logRecord('a', 3)])
    const base = { session: 'a', throughSequence: 2, update: new Uint8Array([9]) }
    await Promise.all([appended, store.compact(base)])
    expect(await store.read('a')).toEqual({ base, tail: [logRecord('a', 3)] })
  })

  check('remove forgets a session wholly, appends before it included', async (store) => {
    const appended = store.append([logRecord('a', 1), logRecord('b', 1)])
    await Promise.all([appended, store.remove('a')])
    expect(await idsOf(store)).toEqual(['b'])
  })

  check('keeps an update of a mebibyte and an empty one', async (store) => {
    const large = new Uint8Array(1024 * 1024).fill(5)
    await store.append([logRecord('a', 1, large), logRecord('a', 2, new Uint8Array())])
    expect((await store.read('a'))?.tail.map(({ update }) => update.length)).toEqual([large.length, 0])
  })

  check('keeps meta values', async (store) => {
    expect(await store.getMeta('key')).toBeUndefined()
    await store.putMeta('key', new Uint8Array([1, 2]))
    expect(await store.getMeta('key')).toEqual(new Uint8Array([1, 2]))
  })

  check('rejects everything once closed; closing twice is closing once', async (store) => {
    await store.close()
    await store.close()
    await expect(store.append([logRecord('a', 1)])).rejects.toMatchObject({ code: 'STORE_FAILED' })
    await expect(store.read('a')).rejects.toMatchObject({ code: 'STORE_FAILED' })
    await expect(idsOf(store)).rejects.toMatchObject({ code: 'STORE_FAILED' })
  })

  check('has it all after reopening', async (store, { reopen }) => {
    if (reopen === undefined) return
    await store.append([logRecord('a', 1)])
    await store.putMeta('key', new Uint8Array([3]))
    await store.close()
    const again = reopen()
    await again.open()
    expect((await again.read('a'))?.tail).toEqual([logRecord('a', 1)])
    expect(await again.getMeta('key')).toEqual(new Uint8Array([3]))
    await again.close()
  })
}
