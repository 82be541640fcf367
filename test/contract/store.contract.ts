// What every Store must do (node/ports/store.ts). Run it on your own implementation:
//
//   runStoreContract('mine', async () => ({ store: createMine(dir), reopen: () => createMine(dir) }))
import { expect, test } from 'vitest'
import type { LogRecord, Store, StoredBase, StoredSummary } from '../../node/ports/store.ts'

export interface StoreFixture {
  /** New and not yet open. */
  readonly store: Store
  /** Another store over the same data; undefined if data does not outlive a store. */
  readonly reopen?: () => Store
}

type Check = (title: string, body: (store: Store, fixture: StoreFixture) => Promise<void>) => void

export function logRecord(session: string, sequence: number, update = new Uint8Array([sequence])): LogRecord {
  return { session, sequence, origin: 'origin', boot: 'b00', frameSequence: 7, time: 1_234.5, update }
}

export function runStoreContract(name: string, makeFixture: () => Promise<StoreFixture>): void {
  const check: Check = (title, body) =>
    test(`${name}: ${title}`, async () => {
      const fixture = await makeFixture()
      await fixture.store.open()
      try {
        await body(fixture.store, fixture)
      } finally {
        await fixture.store.close()
      }
    })
  checkAppend(check)
  checkCompaction(check)
  checkIteration(check)
  checkViews(check)
  checkSummaries(check)
  checkMeta(check)
  checkClosing(check)
}

function checkAppend(check: Check): void {
  check('reads back what was appended, in order and to the last field', async (store) => {
    await Promise.all([store.append([logRecord('a', 1), logRecord('b', 1)]), store.append([logRecord('a', 2)])])
    expect(await store.read('a')).toEqual({ base: undefined, tail: [logRecord('a', 1), logRecord('a', 2)] })
    expect(await store.read('none')).toBeUndefined()
  })

  check('keeps records in the order of their sequence beyond one and two bytes', async (store) => {
    const sequences = [0, 1, 2, 10, 255, 256, 65_536, 2 ** 32, Number.MAX_SAFE_INTEGER]
    for (const sequence of sequences) await store.append([logRecord('a', sequence)])
    expect((await store.read('a'))?.tail.map(({ sequence }) => sequence)).toEqual(sequences)
  })

  check('makes appends durable in the order of the calls', async (store) => {
    const resolved: number[] = []
    const numbers = Array.from({ length: 300 }, (_, i) => i + 1)
    await Promise.all(
      numbers.map(async (n) => {
        await store.append([logRecord('a', n)])
        resolved.push(n)
        const tail = (await store.read('a'))?.tail ?? []
        expect(tail.slice(0, n).map(({ sequence }) => sequence)).toEqual(numbers.slice(0, n))
      }),
    )
    expect(resolved).toEqual(numbers)
  })

  check('appends all of a call or nothing, for whoever reads meanwhile', async (store) => {
    let appending = true
    const appends = (async () => {
      for (let n = 1; n < 60; n += 3) await store.append([n, n + 1, n + 2].map((s) => logRecord('a', s)))
      appending = false
    })()
    while (appending) expect(((await store.read('a'))?.tail.length ?? 0) % 3).toBe(0)
    await appends
    expect((await store.read('a'))?.tail).toHaveLength(60)
  })

  check('what was read does not change with later appends', async (store) => {
    await store.append([logRecord('a', 1)])
    const before = await store.read('a')
    await store.append([logRecord('a', 2)])
    expect(before?.tail).toHaveLength(1)
  })

  check('an append of nothing stores nothing', async (store) => {
    await store.append([])
    expect(await idsOf(store)).toEqual([])
  })

  check('keeps an update of a mebibyte and an empty one', async (store) => {
    const large = new Uint8Array(1024 * 1024).map((_, i) => i * 31)
    await store.append([logRecord('a', 1, large), logRecord('a', 2, new Uint8Array())])
    const tail = (await store.read('a'))?.tail ?? []
    expect(tail.map(({ update }) => Buffer.compare(update, large))).toEqual([0, -1])
    expect(tail[1]?.update).toHaveLength(0)
  })
}

function checkCompaction(check: Check): void {
  check('compaction replaces records up to its sequence and keeps later ones', async (store) => {
    // Not awaited one by one: compaction stands in the same line as appends.
    const before = store.append([logRecord('a', 1), logRecord('a', 2), logRecord('a', 3)])
    const compacted = store.compact(baseOf('a', 2))
    const after = store.append([logRecord('a', 4)])
    await Promise.all([before, compacted, after])
    expect(await store.read('a')).toEqual({ base: baseOf('a', 2), tail: [logRecord('a', 3), logRecord('a', 4)] })
  })

  check('a later base takes the place of an earlier one', async (store) => {
    await store.append([logRecord('a', 1)])
    await store.compact(baseOf('a', 1))
    await store.append([logRecord('a', 2)])
    await store.compact(baseOf('a', 2))
    expect(await store.read('a')).toEqual({ base: baseOf('a', 2), tail: [] })
  })

  check('many sessions compacted at once each get their own', async (store) => {
    const ids = Array.from({ length: 50 }, (_, i) => `s${i}`)
    await Promise.all(
      ids.flatMap((id) => [store.append([logRecord(id, 1), logRecord(id, 2)]), store.compact(baseOf(id, 1))]),
    )
    for (const id of ids) expect(await store.read(id)).toEqual({ base: baseOf(id, 1), tail: [logRecord(id, 2)] })
  })

  check('a session may have a base alone', async (store) => {
    await store.compact(baseOf('a', 5))
    expect(await store.read('a')).toEqual({ base: baseOf('a', 5), tail: [] })
    expect(await idsOf(store)).toEqual(['a'])
  })

  check('remove forgets a session wholly, appends before it included and after it not', async (store) => {
    await store.compact(baseOf('a', 1))
    const before = store.append([logRecord('a', 2), logRecord('b', 1), logRecord('c', 1)])
    const removed = [store.remove('a'), store.remove('b'), store.remove('unknown')]
    const after = store.append([logRecord('b', 2)])
    await Promise.all([before, ...removed, after])
    expect(await idsOf(store)).toEqual(['b', 'c'])
    expect(await store.read('a')).toBeUndefined()
    expect((await store.read('b'))?.tail).toEqual([logRecord('b', 2)])
  })
}

function checkIteration(check: Check): void {
  check('keeps sessions apart whose ids begin alike, and lists each once in order', async (store) => {
    const ids = ['ab', 'a', 'a!', 'a~', 'b', 'sab', '!', 'A', 'x'.repeat(256)]
    for (const id of ids) await store.append([logRecord(id, 1), logRecord(id, 2)])
    await store.compact(baseOf('a', 1))
    await store.remove('ab')
    expect(await store.read('a')).toEqual({ base: baseOf('a', 1), tail: [logRecord('a', 2)] })
    expect((await store.read('a!'))?.tail).toHaveLength(2)
    expect(await idsOf(store)).toEqual(['!', 'A', 'a', 'a!', 'a~', 'b', 'sab', 'x'.repeat(256)])
  })

  check('lists with each session what read returns', async (store) => {
    for (const id of ['a', 'b', 'c']) await store.append([logRecord(id, 1), logRecord(id, 2)])
    await store.compact(baseOf('b', 1))
    await store.compact(baseOf('c', 2))
    for await (const { session, stored } of store.sessions()) expect(stored).toEqual(await store.read(session))
  })

  check('goes on while appended to, and may be left half way', async (store) => {
    const ids = Array.from({ length: 1_000 }, (_, i) => `s${String(i).padStart(4, '0')}`)
    await store.append(ids.map((id) => logRecord(id, 1)))
    const seen: string[] = []
    for await (const { session } of store.sessions()) {
      seen.push(session)
      if (seen.length % 100 === 0) await store.append([logRecord(session, 2)])
    }
    expect(seen).toEqual(ids)
    for await (const { session } of store.sessions()) if (session === 's0500') break
  })
}

function checkViews(check: Check): void {
  check('a view shows all that had resolved when it was taken, and nothing of what came later', async (store) => {
    await store.append([logRecord('a', 1), logRecord('b', 1), logRecord('c', 1)])
    await store.compact(baseOf('c', 1))
    const view = store.view()
    await store.append([logRecord('a', 2), logRecord('d', 1)])
    await store.compact(baseOf('b', 1))
    await store.remove('c')
    const seen: string[] = []
    for await (const { session, stored } of view.sessions()) {
      seen.push(session)
      expect(stored).toEqual(await view.read(session))
    }
    expect(seen).toEqual(['a', 'b', 'c'])
    expect(await view.read('a')).toEqual({ base: undefined, tail: [logRecord('a', 1)] })
    expect(await view.read('b')).toEqual({ base: undefined, tail: [logRecord('b', 1)] })
    expect(await view.read('c')).toEqual({ base: baseOf('c', 1), tail: [] })
    expect(await view.read('d')).toBeUndefined()
    expect(await idsOf(store)).toEqual(['a', 'b', 'd'])
    await view.close()
  })

  check('several views stand side by side; one that is closed, or whose store is, rejects', async (store) => {
    await store.append([logRecord('a', 1)])
    const one = store.view()
    await store.append([logRecord('a', 2)])
    const other = store.view()
    await one.close()
    await one.close()
    await expect(one.read('a')).rejects.toMatchObject({ code: 'STORE_FAILED' })
    expect((await other.read('a'))?.tail).toHaveLength(2)
    await store.close()
    await expect(other.read('a')).rejects.toMatchObject({ code: 'STORE_FAILED' })
    expect(() => store.view()).toThrow(expect.objectContaining({ code: 'STORE_FAILED' }))
    await other.close()
  })
}

function checkSummaries(check: Check): void {
  const summary = (byte: number) => new Uint8Array([byte, 2, 3])

  check('lists every stored session once in order, with a summary that holds or none', async (store) => {
    await store.append([logRecord('b', 1), logRecord('a', 1), logRecord('c', 1)])
    await store.putSummaries([
      { session: 'a', summary: summary(1) },
      { session: 'b', summary: summary(2) },
    ])
    const listed = await summariesOf(store)
    expect(listed.map(({ session }) => session)).toEqual(['a', 'b', 'c'])
    expect(listed[2]?.summary).toBeUndefined()
    // A store may have forgotten it, but never has another.
    for (const [at, byte] of [1, 2].entries()) expect([undefined, summary(byte)]).toContainEqual(listed[at]?.summary)
  })

  check('never keeps a summary of what was written to since', async (store) => {
    const calls = [
      store.append([logRecord('a', 1), logRecord('b', 1), logRecord('c', 1), logRecord('d', 1)]),
      store.putSummaries(['a', 'b', 'c', 'd'].map((session) => ({ session, summary: summary(1) }))),
      store.append([logRecord('a', 2)]),
      store.compact(baseOf('b', 1)),
      store.remove('c'),
    ]
    await Promise.all(calls)
    const listed = new Map((await summariesOf(store)).map(({ session, summary }) => [session, summary]))
    expect([...listed.keys()]).toEqual(['a', 'b', 'd'])
    expect(listed.get('a')).toBeUndefined()
    expect(listed.get('b')).toBeUndefined()
    await store.putSummaries([{ session: 'a', summary: summary(7) }])
    const [again] = await summariesOf(store)
    expect([undefined, summary(7)]).toContainEqual(again?.summary)
  })
}

async function summariesOf(store: Store): Promise<StoredSummary[]> {
  const all: StoredSummary[] = []
  for await (const summaries of store.summaries()) all.push(...summaries)
  return all
}

function checkMeta(check: Check): void {
  check('keeps meta values, and sessions out of them', async (store) => {
    expect(await store.getMeta('key')).toBeUndefined()
    await store.putMeta('key', new Uint8Array([1, 2]))
    await store.putMeta('format', new Uint8Array([9]))
    await store.putMeta('', new Uint8Array())
    await store.putMeta('key', new Uint8Array([3]))
    expect(await store.getMeta('key')).toEqual(new Uint8Array([3]))
    expect(await store.getMeta('format')).toEqual(new Uint8Array([9]))
    expect(await store.getMeta('')).toEqual(new Uint8Array())
    expect(await idsOf(store)).toEqual([])
  })
}

function checkClosing(check: Check): void {
  check('rejects everything once closed; closing twice is closing once', async (store) => {
    await store.append([logRecord('a', 1)])
    await store.close()
    await store.close()
    const calls = [
      () => store.append([logRecord('a', 1)]),
      () => store.compact(baseOf('a', 1)),
      () => store.read('a'),
      () => store.remove('a'),
      () => store.getMeta('key'),
      () => store.putMeta('key', new Uint8Array()),
      () => idsOf(store),
    ]
    for (const call of calls) await expect(call()).rejects.toMatchObject({ code: 'STORE_FAILED' })
  })

  check('a store that was never opened rejects, and may be closed', async (_, { reopen }) => {
    const unopened = reopen?.()
    if (unopened === undefined) return
    await expect(unopened.append([logRecord('a', 1)])).rejects.toMatchObject({ code: 'STORE_FAILED' })
    await expect(unopened.read('a')).rejects.toMatchObject({ code: 'STORE_FAILED' })
    await unopened.close()
  })

  check('of values put at once under one name the last stays', async (store) => {
    await Promise.all([1, 2, 3, 4, 5].map((n) => store.putMeta('key', new Uint8Array([n]))))
    expect(await store.getMeta('key')).toEqual(new Uint8Array([5]))
    await store.append([logRecord('a', 1)])
  })

  check('gives room back to the disk, and keeps what is there', async (store) => {
    await store.append([logRecord('a', 1), logRecord('b', 1), logRecord('b', 2)])
    await store.remove('a')
    await store.compact(baseOf('b', 1))
    const { bytesBefore, bytesAfter } = await store.reclaim()
    expect([bytesBefore, bytesAfter].every((bytes) => Number.isInteger(bytes) && bytes >= 0)).toBe(true)
    expect(await idsOf(store)).toEqual(['b'])
    expect(await store.read('b')).toEqual({ base: baseOf('b', 1), tail: [logRecord('b', 2)] })
  })

  check('close waits for appends under way', async (store) => {
    const done: string[] = []
    const appended = [1, 2, 3].map((n) => store.append([logRecord('a', n)]).then(() => done.push('append')))
    const compacted = store.compact(baseOf('a', 2)).then(() => done.push('compact'))
    await store.close().then(() => done.push('close'))
    await Promise.all([...appended, compacted])
    expect(done).toEqual(['append', 'append', 'append', 'compact', 'close'])
  })

  check('has it all after reopening, and goes on from there', async (store, { reopen }) => {
    if (reopen === undefined) return
    await store.append([logRecord('a', 1), logRecord('a', 2), logRecord('b', 1), logRecord('c', 1)])
    await store.compact(baseOf('a', 1))
    await store.remove('b')
    await store.putMeta('key', new Uint8Array([3]))
    await store.close()
    const again = reopen()
    expect(await again.open()).toEqual({ quarantined: 0, damage: [] })
    expect(await idsOf(again)).toEqual(['a', 'c'])
    expect(await again.read('a')).toEqual({ base: baseOf('a', 1), tail: [logRecord('a', 2)] })
    expect(await again.getMeta('key')).toEqual(new Uint8Array([3]))
    await again.append([logRecord('a', 3)])
    expect((await again.read('a'))?.tail).toEqual([logRecord('a', 2), logRecord('a', 3)])
    await again.close()
  })
}

function baseOf(session: string, throughSequence: number): StoredBase {
  return { session, throughSequence, update: new Uint8Array([9, throughSequence]) }
}

async function idsOf(store: Store): Promise<string[]> {
  const ids: string[] = []
  for await (const { session } of store.sessions()) ids.push(session)
  return ids
}
