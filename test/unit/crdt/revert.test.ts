// Going back: whatever two states a document had, the later one can be given the content of the earlier one by a new
// change, and concurrent changes are merged with it.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import * as Y from 'yjs'
import {
  createDocument,
  digestOf,
  revertDocument,
  sessionMapOf,
  terminateSession,
  toJson,
} from '../../../crdt/index.ts'

function copy(doc: Y.Doc): Y.Doc {
  const other = createDocument(doc.guid)
  Y.applyUpdate(other, Y.encodeStateAsUpdate(doc))
  return other
}

/** Applies the change as a session does. */
function revert(doc: Y.Doc, past: Y.Doc): boolean {
  const { clientID } = doc
  let isLocal = true
  doc.on('update', (_update, origin) => {
    isLocal &&= origin === null
  })
  let changed = false
  doc.transact(() => {
    changed = revertDocument(doc, past)
  })
  expect([doc.clientID, isLocal]).toEqual([clientID, true])
  return changed
}

const steps: readonly ((doc: Y.Doc, n: number) => void)[] = [
  (doc, n) => doc.getMap('data').set(`k${n % 5}`, { n, list: [n, null, 'x'] }),
  (doc, n) => doc.getMap('data').delete(`k${n % 5}`),
  (doc, n) => doc.getMap('data').set(`m${n % 3}`, new Y.Map([['n', n]])),
  (doc, n) => {
    const inner = doc.getMap('data').get(`m${n % 3}`)
    if (inner instanceof Y.Map) inner.set('later', n)
  },
  (doc, n) => doc.getText('note').insert(n % (doc.getText('note').length + 1), `<${n}>`),
  (doc, n) => doc.getText('note').delete(0, Math.min(n, doc.getText('note').length)),
  (doc, n) => doc.getText('rich').insert(0, `t${n}`, n % 2 === 0 ? { bold: true } : {}),
  (doc, n) => doc.getArray('list').insert(n % (doc.getArray('list').length + 1), [n, `s${n}`]),
  (doc, n) => doc.getArray('list').delete(0, Math.min(n % 3, doc.getArray('list').length)),
  (doc, n) => doc.getXmlFragment('page').insert(0, [element(n)]),
  (doc, n) => doc.getMap('bytes').set('b', new Uint8Array([n, 1])),
]

function element(n: number): Y.XmlElement {
  const made = new Y.XmlElement('p')
  made.setAttribute('n', String(n))
  made.insert(0, [new Y.XmlText(`text ${n}`)])
  return made
}

const anySteps = fc.array(fc.tuple(fc.nat(steps.length - 1), fc.nat(20)), { maxLength: 25 })

function run(doc: Y.Doc, drawn: readonly (readonly [number, number])[]): void {
  for (const [step, n] of drawn) steps[step]?.(doc, n)
}

test('any later state goes back to any earlier one, and a second time there is nothing to do', () => {
  fc.assert(
    fc.property(anySteps, anySteps, (first, second) => {
      const doc = createDocument('s')
      run(doc, first)
      const past = copy(doc)
      run(doc, second)
      // As a replica has it: types that nobody asked for have no kind.
      const live = copy(doc)
      revert(live, past)
      expect(toJson(live)).toEqual(toJson(past))
      expect(revert(live, past)).toBe(false)
      expect(live.getText('rich').toDelta()).toEqual(past.getText('rich').toDelta())
      // Reading it by the right kinds still works.
      live.getMap('data')
      live.getArray('list')
      live.getXmlFragment('page')
    }),
    { numRuns: 200 },
  )
})

test('it is a new change: replicas get it, and what others write meanwhile stays', () => {
  const doc = createDocument('s')
  doc.getMap('data').set('a', 'old')
  doc.getText('note').insert(0, 'Hello world')
  const past = copy(doc)
  doc.getMap('data').set('a', 'new')
  doc.getMap('data').set('b', 'new')
  doc.getText('note').insert(5, ', brave')
  const other = copy(doc)
  other.getMap('data').set('c', 'meanwhile')
  other.getText('note').insert(0, '> ')
  revert(doc, past)
  Y.applyUpdate(other, Y.encodeStateAsUpdate(doc))
  Y.applyUpdate(doc, Y.encodeStateAsUpdate(other))
  expect(toJson(doc)).toEqual({ data: { a: 'old', c: 'meanwhile' }, note: '> Hello world' })
  expect(digestOf(doc)).toEqual(digestOf(other))
})

test('a name that was one kind of type and is another now goes back to the first', () => {
  const doc = createDocument('s')
  doc.getMap('x').set('a', 1)
  const past = copy(doc)
  doc.getMap('x').delete('a')
  const live = copy(doc)
  live.getText('x').insert(0, 'text')
  const replica = copy(live)
  revert(replica, past)
  expect(toJson(replica)).toEqual({ data: {}, x: { a: 1 } })
})

test("the session's own record stays as it is", () => {
  const doc = createDocument('s')
  doc.getMap('data').set('a', 1)
  sessionMapOf(doc).set('priority', 'low')
  const past = copy(doc)
  sessionMapOf(doc).set('priority', 'high')
  terminateSession(doc, 5)
  revert(doc, past)
  expect(sessionMapOf(doc).toJSON()).toEqual({ priority: 'high', terminatedAt: 5 })
})
