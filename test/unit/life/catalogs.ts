// Catalogs on clocks of their own, and an exchange between two of them as the hash trees would have it.
import type * as Y from 'yjs'
import { compareNode, digestsEqual } from '../../../crdt/index.ts'
import { diffFor } from '../../../node/replication/exchange-server.ts'
import { Catalog, type CatalogOptions } from '../../../node/sessions/catalog.ts'
import { createMemoryStore, type MemoryStore } from '../../../node/store/memory.ts'
import { ManualClock } from '../../support/manual-clock.ts'

export interface Holder {
  readonly clock: ManualClock
  readonly store: MemoryStore
  readonly catalog: Catalog
}

let drawn = 1

export async function holder(options: Partial<CatalogOptions> = {}, clock = new ManualClock()): Promise<Holder> {
  const store = createMemoryStore()
  await store.open()
  const catalog = new Catalog({
    store,
    clock,
    shardCount: 1,
    hydratedSessionsMax: 10,
    updateBytesMax: 1 << 20,
    sessionBytesMax: 1 << 20,
    historyRecordsMax: 100,
    historyBytesMax: 1 << 20,
    newClientId: () => ++drawn,
    self: { origin: 'self', boot: '02', frameSequence: 0 },
    onLocalUpdate: () => {},
    onChanged: () => {},
    onSucceeded: () => {},
    onDescribed: () => {},
    onError: (error) => {
      throw error
    },
    ...options,
  })
  return { clock, store, catalog }
}

export async function change(of: Holder, id: string, work: (doc: Y.Doc, now: number) => void): Promise<void> {
  const entry = of.catalog.ensure(id)
  const doc = await of.catalog.acquire(entry)
  work(doc, of.clock.now())
  of.catalog.release(entry)
}

/** Swaps what differs by the trees, both ways. Returns the sessions that differed. */
export async function exchangeBetween(one: Holder, other: Holder): Promise<string[]> {
  await one.catalog.settle()
  await other.catalog.settle()
  if (digestsEqual(one.catalog.roots(), other.catalog.roots())) return []
  const differing = new Set<string>()
  for (const prefix of ['', ...Array.from('0123456789abcdef')]) {
    const compared = compareNode(one.catalog.tree(0), prefix, other.catalog.tree(0).node(prefix))
    for (const session of compared.differing) differing.add(session)
  }
  for (const id of differing) {
    for (const [from, to] of [
      [one, other],
      [other, one],
    ] as const) {
      const diff = await diffFor(from.catalog, id, undefined)
      if (diff !== undefined) to.catalog.receiveDiff(id, diff.update, { origin: 'peer', boot: '01', frameSequence: 0 })
    }
  }
  await one.catalog.settle()
  await other.catalog.settle()
  return [...differing]
}
