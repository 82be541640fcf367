// The session's record, its end, and its content as JSON, also where foreign clients wrote what they liked.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import * as Y from 'yjs'
import {
  createDocument,
  dataOf,
  describeSession,
  initializeSession,
  isTerminated,
  sessionMapOf,
  terminateSession,
  toJson,
} from '../../../crdt/index.ts'
import { documentOf, worlds } from './world.ts'

const copyOf = (doc: Y.Doc) => documentOf([Y.encodeStateAsUpdate(doc)])

test('a new session has its record and its data, written in one transaction', () => {
  const doc = createDocument('basket-17')
  let updates = 0
  doc.on('update', () => updates++)
  initializeSession(doc, { createdAt: 5, priority: 'high', pin: 'peer', data: { items: 3, list: [1, { a: null }] } })
  expect(updates).toBe(1)
  expect(doc.guid).toBe('basket-17')
  expect(toJson(copyOf(doc))).toEqual({ data: { items: 3, list: [1, { a: null }] } })
  expect(describeSession(copyOf(doc))).toEqual({
    priority: 'high',
    createdAt: 5,
    expiresAt: undefined,
    ttlMs: undefined,
    touchedAt: 5,
    pin: 'peer',
    terminatedAt: undefined,
    endedBy: undefined,
  })
})

test.each([
  ['a function', () => undefined],
  ['a symbol inside', [Symbol('x')]],
  ['a Map', new Map()],
  ['a class inside', { inner: new URL('http://a') }],
  ['an object without prototype', Object.create(null)],
  ['an object that hides its constructor', { constructor: 1 }],
])('data with %s is refused, and nothing written', (_, value) => {
  const doc = createDocument('a')
  const initial = { createdAt: 1, priority: 'low', data: { good: 1, bad: value } } as const
  expect(() => initializeSession(doc, initial)).toThrow(/data\.bad cannot be stored/)
  expect(doc.store.clients.size).toBe(0)
})

test('data that holds itself is refused', () => {
  const cycle: unknown[] = []
  cycle.push(cycle)
  const initial = { createdAt: 1, priority: 'low', data: { cycle } } as const
  expect(() => initializeSession(createDocument('a'), initial)).toThrow(/nests deeper/)
})

test('whatever stands in the record, describing it does not throw and stays within its types', () => {
  const garbage = fc.oneof(fc.anything({ withBigInt: true, withNullPrototype: false }), fc.double(), fc.string())
  const record = fc.dictionary(
    fc.constantFrom(
      'priority',
      'createdAt',
      'expiresAt',
      'ttl',
      'pin',
      'terminatedAt',
      'endedBy',
      'purgeAt',
      'touchedAt/1',
      'other',
    ),
    garbage,
  )
  const property = fc.property(record, (values) => {
    const doc = createDocument('a')
    for (const [key, value] of Object.entries(values)) {
      try {
        sessionMapOf(doc).set(key, value)
      } catch {
        // Not every value can be written at all.
      }
    }
    const { priority, pin, endedBy, ...times } = describeSession(doc)
    expect(['critical', 'high', 'normal', 'low']).toContain(priority)
    expect(['string', 'undefined']).toContain(typeof pin)
    expect(endedBy === undefined).toBe(times.terminatedAt === undefined)
    for (const time of Object.values(times)) expect(time === undefined || time >= 0).toBe(true)
    expect(isTerminated(doc)).toBe(times.terminatedAt !== undefined)
  })
  fc.assert(property, { numRuns: 200 })
})

test('a record that came as a list or a text counts as empty', () => {
  const foreign = createDocument('a')
  foreign.getArray('$session').push([1, 2])
  expect(describeSession(copyOf(foreign))).toMatchObject({ priority: 'normal', terminatedAt: undefined })
})

test('a terminated session has no content left, of any type, known or not, and stays so', () => {
  const property = fc.property(worlds(), fc.nat(2), ({ writers }, pick) => {
    const doc = writers[pick]
    if (doc === undefined) return
    const replica = copyOf(doc)
    terminateSession(replica, 42)
    terminateSession(replica, 99)
    Y.applyUpdate(doc, Y.encodeStateAsUpdate(replica))
    for (const side of [replica, doc]) {
      expect(toJson(side)).toEqual({ data: {} })
      expect(describeSession(side).terminatedAt).toBe(42)
    }
    // A type that is in use goes on working.
    doc.getText('text').insert(0, 'x')
    doc.getArray('list').insert(0, [1])
    expect(toJson(doc)).toMatchObject({ text: 'x', list: [1] })
  })
  fc.assert(property, { numRuns: 100 })
})

test('a list that was searched before termination is searched aright afterwards', () => {
  const doc = createDocument('a')
  const list = doc.getArray('list')
  for (let i = 0; i < 100; i++) list.insert(i, [i])
  list.get(90)
  terminateSession(doc, 1)
  list.insert(0, ['a'])
  list.insert(1, ['b'])
  expect(list.toJSON()).toEqual(['a', 'b'])
})

test('JSON does not depend on which types were asked for', () => {
  const property = fc.property(worlds(), fc.nat(2), ({ writers }, pick) => {
    const doc = writers[pick]
    if (doc === undefined) return
    const untyped = copyOf(doc)
    const typed = copyOf(doc)
    dataOf(typed)
    typed.getArray('list')
    typed.getText('text')
    typed.getXmlFragment('xml')
    typed.getText('never used')
    expect(JSON.stringify(toJson(typed))).toBe(JSON.stringify(toJson(untyped)))
    expect(JSON.stringify(toJson(doc))).toBe(JSON.stringify(toJson(untyped)))
    expect(toJson(doc)['data']).toEqual(JSON.parse(JSON.stringify(toJson(doc)['data'])))
  })
  fc.assert(property, { numRuns: 100 })
})

test('JSON spells what JSON lacks, sorts keys, and keeps odd names', () => {
  const doc = createDocument('a')
  const data = dataOf(doc)
  data.set('z', 1)
  data.set('bytes', Uint8Array.from([1, 2]))
  data.set('big', 5n)
  data.set('nan', Number.NaN)
  data.set('nothing', undefined)
  data.set('__proto__', 'kept')
  data.set('sub', new Y.Doc({ guid: 'inner' }))
  data.set('text', new Y.Text('typed'))
  data.set('empty', new Y.Map())
  doc.getText('mixed').insert(0, 'ab')
  doc.getText('mixed').insertEmbed(1, { image: 1 })
  doc.getXmlFragment('xml').insert(0, [new Y.XmlElement('p')])
  const expected =
    '{"data":{"__proto__":"kept","big":{"$bigint":"5"},"bytes":{"$bytes":"AQI="},"empty":{},"nan":{"$number":"NaN"},' +
    '"nothing":null,"sub":{"$document":"inner"},"text":"typed","z":1},"mixed":["a",{"image":1},"b"],' +
    '"xml":[{"attributes":{},"children":[],"name":"p"}]}'
  expect(JSON.stringify(toJson(doc))).toBe(expected)
  expect(JSON.stringify(toJson(copyOf(doc)))).toBe(expected)
})

test('types nested without end are cut off, not followed into a stack overflow', () => {
  const doc = createDocument('a')
  let map = dataOf(doc)
  for (let depth = 0; depth < 3000; depth++) {
    const inner = new Y.Map<unknown>()
    map.set('m', inner)
    map = inner
  }
  expect(JSON.stringify(toJson(doc))).toContain('$truncated')
})
