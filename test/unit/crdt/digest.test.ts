// The digest: equal for equal documents however they came about, different where state vectors cannot see it.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import * as Y from 'yjs'
import {
  createDocument,
  DIGEST_BYTES,
  digestOf,
  digestsEqual,
  stateVectorOf,
  toHex,
  toJson,
} from '../../../crdt/index.ts'
import { documentOf, worlds } from './world.ts'

const hexOf = (doc: Y.Doc) => toHex(digestOf(doc))

test('any order, repetition and grouping of the same updates gives the same digest and content', () => {
  const property = fc.property(worlds(), fc.infiniteStream(fc.nat()), ({ updates }, dice) => {
    const draw = (below: number) => Number(dice.next().value ?? 0) % Math.max(1, below)
    const shuffled = [...updates]
    for (let i = shuffled.length - 1; i > 0; i--) {
      const j = draw(i + 1)
      ;[shuffled[i], shuffled[j]] = [shuffled[j] ?? new Uint8Array(), shuffled[i] ?? new Uint8Array()]
    }
    const grouped: Uint8Array[] = []
    for (let at = 0; at < shuffled.length;) {
      const size = 1 + draw(4)
      grouped.push(Y.mergeUpdates(shuffled.slice(at, at + size)))
      if (draw(3) === 0) grouped.push(grouped[draw(grouped.length)] ?? new Uint8Array())
      at += size
    }
    const straight = documentOf(updates)
    const scrambled = documentOf(grouped)
    expect(scrambled.store.pendingStructs).toBeNull()
    expect(hexOf(scrambled)).toBe(hexOf(straight))
    expect(toJson(scrambled)).toEqual(toJson(straight))
  })
  fc.assert(property, { numRuns: 300 })
})

test('writers that exchange everything, and a copy of one, end with the same digest', () => {
  const property = fc.property(worlds(), ({ writers, updates }) => {
    for (const doc of writers) {
      for (const other of writers) Y.applyUpdate(doc, Y.encodeStateAsUpdate(other, Y.encodeStateVector(doc)))
    }
    for (const doc of writers) {
      for (const other of writers) Y.applyUpdate(doc, Y.encodeStateAsUpdate(other, Y.encodeStateVector(doc)))
    }
    const [first] = writers
    if (first === undefined) return
    const copy = documentOf([Y.encodeStateAsUpdate(first)])
    const uncollected = new Y.Doc({ gc: false })
    for (const update of updates) Y.applyUpdate(uncollected, update)
    for (const doc of [...writers, copy, uncollected]) expect(hexOf(doc)).toBe(hexOf(first))
  })
  fc.assert(property, { numRuns: 200 })
})

test('a missed delete changes the digest although the state vectors are equal', () => {
  const a = createDocument('a')
  a.getText('text').insert(0, 'hello')
  const b = documentOf([Y.encodeStateAsUpdate(a)])
  expect(hexOf(b)).toBe(hexOf(a))
  a.getText('text').delete(1, 2)
  expect(stateVectorOf(b)).toEqual(stateVectorOf(a))
  expect(hexOf(b)).not.toBe(hexOf(a))
})

test('a digest has 16 bytes, and compares by content', () => {
  const digest = digestOf(createDocument('a'))
  expect(digest).toHaveLength(DIGEST_BYTES)
  expect(digestsEqual(digest, digestOf(createDocument('b')))).toBe(true)
  expect(digestsEqual(digest, digest.subarray(1))).toBe(false)
  expect(digestsEqual(digest, new Uint8Array(DIGEST_BYTES))).toBe(false)
})

test('a replica that holds formatted text makes no writes of its own', () => {
  const writers = [createDocument('a'), createDocument('b')]
  const [a, b] = writers
  if (a === undefined || b === undefined) return
  a.getText('text').insert(0, 'formatted')
  Y.applyUpdate(b, Y.encodeStateAsUpdate(a))
  a.getText('text').format(0, 5, { bold: true })
  b.getText('text').format(0, 9, { bold: true })
  const [fromA, fromB] = [Y.encodeStateAsUpdate(a), Y.encodeStateAsUpdate(b)]
  const replica = createDocument('replica')
  replica.getText('text')
  const origins: unknown[] = []
  replica.on('update', (_update, origin: unknown) => origins.push(origin))
  Y.applyUpdate(replica, fromA, 'remote')
  Y.applyUpdate(replica, fromB, 'remote')
  expect(origins).toEqual(['remote', 'remote'])
  expect(hexOf(replica)).toBe(hexOf(documentOf([fromB, fromA])))
})
