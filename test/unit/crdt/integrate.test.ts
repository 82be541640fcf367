// `integrable` and `movedBy` held against real documents: they must foretell what Yjs does, to the clock.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import * as Y from 'yjs'
import {
  applyInspected,
  applyRemote,
  createDocument,
  digestOf,
  encodeIntegrated,
  hasCode,
  inspectUpdate,
  integrable,
  movedBy,
  stateVectorOf,
  type StateVector,
  type UpdateShape,
} from '../../../crdt/index.ts'
import { documentOf, worlds } from './world.ts'

const isPending = (doc: Y.Doc) => doc.store.pendingStructs !== null || doc.store.pendingDs !== null

/** What is foretold, and what came of it. Of an update that is not integrable only that is foretold. */
const foretell = (shape: UpdateShape, before: StateVector) => {
  const moved = movedBy(shape, before)
  return { integrable: moved !== undefined, after: moved && new Map([...before, ...moved]) }
}
const outcome = (doc: Y.Doc) => ({
  integrable: !isPending(doc),
  after: isPending(doc) ? undefined : stateVectorOf(doc),
})

/** The updates whose bit in `mask` is set. */
const subset = (updates: readonly Uint8Array[], mask: readonly boolean[]) => updates.filter((_, i) => mask[i] === true)

test('foretells what a document does with a random part of a history, merged or alone', () => {
  const masks = fc.array(fc.boolean(), { minLength: 40, maxLength: 40 })
  const outcomes = { pending: 0, whole: 0 }
  const property = fc.property(worlds(), fc.nat(40), masks, fc.nat(), ({ updates, writers }, known, mask, pick) => {
    const base = documentOf(updates.slice(0, Math.min(known, updates.length)))
    const writer = writers[pick % writers.length] ?? base
    const merged = subset(updates, mask)
    const candidates = [
      updates[pick % Math.max(1, updates.length)],
      merged.length > 0 ? Y.mergeUpdates(merged) : undefined,
      merged.length > 1 ? Y.mergeUpdates([...merged.slice(1), merged[0] ?? new Uint8Array()]) : undefined,
      Y.encodeStateAsUpdate(writer),
      Y.encodeStateAsUpdate(writer, Y.encodeStateVector(documentOf(updates.slice(0, known + 2)))),
    ]
    for (const update of candidates) {
      if (update === undefined) continue
      const doc = documentOf([Y.encodeStateAsUpdate(base)])
      const before = stateVectorOf(doc)
      const shape = inspectUpdate(update)
      const foretold = foretell(shape, before)
      let news = false
      doc.on('update', () => {
        news = true
      })
      expect(applyRemote(doc, update, 'peer')).toEqual({ news, pending: isPending(doc) })
      outcomes[isPending(doc) ? 'pending' : 'whole']++
      expect(foretold).toEqual(outcome(doc))
      if (foretold.integrable && !news) expect(foretold.after).toEqual(before)
    }
  })
  fc.assert(property, { numRuns: 400 })
  // Either outcome must have been tried often for this to mean anything.
  expect(Math.min(outcomes.pending, outcomes.whole)).toBeGreaterThan(100)
})

test('foretells every step of a history with holes in it', () => {
  const holes = fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 40, maxLength: 40 })
  let refused = 0
  const property = fc.property(worlds(), holes, ({ updates }, hole) => {
    let doc = createDocument('d')
    for (const [i, update] of updates.entries()) {
      if (hole[i] === 0) continue
      const before = Y.encodeStateAsUpdate(doc)
      const shape = inspectUpdate(update)
      const foretold = foretell(shape, stateVectorOf(doc))
      Y.applyUpdate(doc, update)
      expect(foretold).toEqual(outcome(doc))
      if (foretold.integrable) continue
      refused++
      doc = documentOf([before])
    }
  })
  fc.assert(property, { numRuns: 400 })
  expect(refused).toBeGreaterThan(400)
})

test('each kind of dependency counts: left, right, parent, and the very last item of a delete', () => {
  const author = createDocument('a')
  author.clientID = 1
  author.getArray('list').push(['only'])
  author.getMap('data').set('child', new Y.Map())
  const base = Y.encodeStateAsUpdate(author)
  const edits: readonly ((doc: Y.Doc) => void)[] = [
    (doc) => doc.getArray('list').push(['right of it']),
    (doc) => doc.getArray('list').insert(0, ['left of it']),
    (doc) => (doc.getMap('data').get('child') as Y.Map<unknown>).set('inside', 1),
    (doc) => doc.getMap('data').delete('child'),
  ]
  const foretold = edits.map((edit) => {
    const doc = documentOf([base])
    const before = Y.encodeStateVector(doc)
    edit(doc)
    const shape = inspectUpdate(Y.encodeStateAsUpdate(doc, before))
    return [0, 1, 2].map((clock) => integrable(shape, new Map([[1, clock]])))
  })
  expect(foretold).toEqual([
    [false, true, true],
    [false, true, true],
    [false, false, true],
    [false, false, true],
  ])
})

test('a garbage collected base makes no difference', () => {
  const property = fc.property(worlds(), fc.nat(40), fc.nat(2), ({ updates, writers }, cut, pick) => {
    const writer = writers[pick]
    if (writer === undefined) return
    const doc = documentOf([Y.encodeStateAsUpdate(writer)])
    for (const update of [...updates.slice(cut), ...updates.slice(0, cut)]) {
      if (isPending(doc)) return
      const foretold = foretell(inspectUpdate(update), stateVectorOf(doc))
      Y.applyUpdate(doc, update)
      expect(foretold).toEqual(outcome(doc))
    }
  })
  fc.assert(property, { numRuns: 200 })
})

test('clients that wait for each other in a circle are not integrable', () => {
  // Client 2: one item right of (1, 0). Client 1: one item right of (2, 0). One content each: the integer 1.
  const circle = Uint8Array.from([2, 1, 2, 0, 0x88, 1, 0, 1, 125, 1, 1, 1, 0, 0x88, 2, 0, 1, 125, 1, 0])
  const doc = createDocument('a')
  expect(integrable(inspectUpdate(circle), stateVectorOf(doc))).toBe(false)
  expect(applyRemote(doc, circle, 'test').pending).toBe(true)
})

test('a long chain across clients takes linear time', () => {
  // Each of many clients rests on the one with the next lower id, and the lowest on nobody.
  const clients = 20_000
  const bytes: number[] = []
  const number = (value: number) => {
    let rest = value
    for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest & 127) | 128)
    bytes.push(rest)
  }
  number(clients)
  for (let client = clients; client > 0; client--) {
    number(1)
    number(client)
    number(0)
    if (client > 1) {
      bytes.push(0x84)
      number(client - 1)
      number(0)
    } else {
      bytes.push(0x04, 1, 1, 0x74)
    }
    bytes.push(1, 0x61)
  }
  bytes.push(0)
  const shape = inspectUpdate(Uint8Array.from(bytes))
  expect(movedBy(shape, new Map())?.size).toBe(clients)
})

test('applyRemote says when something stays pending, and when that is over', () => {
  const writer = createDocument('w')
  const updates: Uint8Array[] = []
  writer.on('update', (update: Uint8Array) => updates.push(update))
  writer.getArray('list').push([1])
  writer.getArray('list').push([2])
  const [first, second] = updates
  if (first === undefined || second === undefined) throw new Error('two updates expected')
  const doc = createDocument('d')
  expect(applyRemote(doc, second, 'peer')).toEqual({ news: false, pending: true })
  expect(applyRemote(doc, first, 'peer')).toEqual({ news: true, pending: false })
  expect(applyRemote(doc, first, 'peer')).toEqual({ news: false, pending: false })
  expect(doc.getArray('list').toJSON()).toEqual([1, 2])
})

test('applyRemote refuses unsound bytes without touching the document, and hands on its origin', () => {
  const doc = createDocument('d')
  expect(() => applyRemote(doc, Uint8Array.from([1, 2, 3]), 'peer')).toThrow(/update at byte/)
  expect(doc.store.clients.size + doc.share.size).toBe(0)
  const origins: unknown[] = []
  doc.on('update', (_update, origin: unknown, _doc, transaction: Y.Transaction) =>
    origins.push(origin, transaction.local),
  )
  const writer = createDocument('w')
  writer.getMap('data').set('a', 1)
  applyRemote(doc, Y.encodeStateAsUpdate(writer), 'peer')
  expect(origins).toEqual(['peer', false])
})

test('updates applied together do what they do one by one, in one transaction', () => {
  const property = fc.property(worlds(), fc.nat(40), ({ updates }, cut) => {
    const [base, rest] = [updates.slice(0, cut), updates.slice(cut)]
    const doc = documentOf(base)
    let transactions = 0
    doc.on('afterAllTransactions', () => transactions++)
    const { pending } = applyInspected(doc, rest, 'peer')
    expect({ pending, transactions }).toEqual({ pending: false, transactions: 1 })
    expect(digestOf(doc)).toEqual(digestOf(documentOf(updates)))
  })
  fc.assert(property, { numRuns: 200 })
})

test('what waits for something missing holds up nothing that others can integrate', () => {
  const property = fc.property(worlds(), fc.nat(40), ({ updates }, lost) => {
    const damaged = documentOf(updates.filter((_, index) => index !== lost % updates.length))
    const copy = createDocument('copy')
    const { pending } = applyRemote(copy, encodeIntegrated(damaged), 'peer')
    expect(pending).toBe(false)
    expect(digestOf(copy)).toEqual(digestOf(damaged))
  })
  fc.assert(property, { numRuns: 200 })
})

test('an observer that throws is not mistaken for an unsound update', () => {
  const doc = createDocument('d')
  doc.getMap('data').observe(() => {
    throw new Error('from the observer')
  })
  const writer = createDocument('w')
  writer.getMap('data').set('a', 1)
  const update = Y.encodeStateAsUpdate(writer)
  expect(() => applyRemote(doc, update, 'peer')).toThrow('from the observer')
  expect(doc.getMap('data').get('a')).toBe(1)
  try {
    applyRemote(doc, update.subarray(1), 'peer')
  } catch (error) {
    expect(hasCode(error, 'INVALID_UPDATE')).toBe(true)
  }
})
