// Causal tokens: a document covers a token exactly if it holds all that the token's document held, deletions included.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import * as Y from 'yjs'
import {
  covers,
  createDocument,
  digestOf,
  hasCode,
  parseToken,
  TOKEN_LENGTH_MAX,
  tokenOf,
  toHex,
} from '../../../crdt/index.ts'
import { documentOf, worlds } from './world.ts'

const tokenFor = (doc: Y.Doc) => parseToken('s', tokenOf('s', doc))

/** Whether merging `other` into `doc` would bring nothing: the definition that tokens are held against. */
function holdsAll(doc: Y.Doc, other: Y.Doc): boolean {
  const merged = documentOf([Y.encodeStateAsUpdate(doc), Y.encodeStateAsUpdate(other)])
  return toHex(digestOf(merged)) === toHex(digestOf(documentOf([Y.encodeStateAsUpdate(doc)])))
}

test('covers exactly what holds it all', () => {
  const seen = { covered: 0, behind: 0 }
  const property = fc.property(worlds(), fc.nat(), fc.nat(), ({ updates, writers }, some, more) => {
    const docs = [...writers, documentOf(updates.slice(0, some % (updates.length + 1)))]
    docs.push(documentOf(updates.slice(0, more % (updates.length + 1))))
    for (const doc of docs) {
      for (const other of docs) {
        const isHeld = holdsAll(doc, other)
        expect(covers(doc, tokenFor(other))).toBe(isHeld)
        seen[isHeld ? 'covered' : 'behind']++
      }
    }
  })
  fc.assert(property, { numRuns: 200 })
  expect(Math.min(seen.covered, seen.behind)).toBeGreaterThan(100)
})

test('a deletion alone is seen, though the state vectors are equal', () => {
  const doc = createDocument('s')
  doc.getText('t').insert(0, 'abc')
  const behind = documentOf([Y.encodeStateAsUpdate(doc)])
  expect(covers(behind, tokenFor(doc))).toBe(true)
  doc.getText('t').delete(1, 1)
  expect(Y.encodeStateVector(behind)).toEqual(Y.encodeStateVector(doc))
  expect(covers(behind, tokenFor(doc))).toBe(false)
  Y.applyUpdate(behind, Y.encodeStateAsUpdate(doc))
  expect(covers(behind, tokenFor(doc))).toBe(true)
})

test('equal documents have equal tokens, however their updates came', () => {
  const property = fc.property(worlds(), ({ updates }) => {
    expect(tokenOf('s', documentOf(updates.toReversed()))).toBe(tokenOf('s', documentOf(updates)))
  })
  fc.assert(property, { numRuns: 100 })
})

test('what does not fit is left out, and the token says so', () => {
  const crowded = createDocument('s')
  for (let client = 1; client <= 2_000; client++) {
    const writer = new Y.Doc()
    writer.clientID = client * 1_000_000
    writer.getArray('a').push([client])
    Y.applyUpdate(crowded, Y.encodeStateAsUpdate(writer))
  }
  const ragged = createDocument('s')
  ragged.getText('t').insert(0, 'x'.repeat(4_000))
  for (let index = 0; index < 1_500; index++) ragged.getText('t').delete(index, 1)
  for (const doc of [crowded, ragged]) {
    const token = tokenOf('s', doc)
    expect(token.length).toBeLessThanOrEqual(TOKEN_LENGTH_MAX)
    expect(parseToken('s', token).isExact).toBe(false)
  }
  // The insertions are still listed where they fit.
  expect(covers(createDocument('s'), parseToken('s', tokenOf('s', ragged)))).toBe(false)
})

test('a token has one spelling: nothing can be added to it or altered, however long it is', () => {
  const lengths = new Set<number>()
  for (let n = 0; n < 4; n++) {
    const doc = createDocument('s')
    doc.clientID = 128 ** n
    doc.getMap('data').set('a', 1)
    const token = tokenOf('s', doc)
    lengths.add(token.length % 4)
    const last = token.at(-1) ?? ''
    for (const other of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_') {
      expect(() => parseToken('s', token + other)).toThrow(/^token /)
      if (other !== last) expect(() => parseToken('s', token.slice(0, -1) + other)).toThrow(/^token /)
    }
  }
  // Whole bytes fill a multiple of four characters, or leave bits of the last one unused.
  expect([...lengths].toSorted()).toEqual([0, 2, 3])
})

test('a token that is cut off, altered, of another session or made up is refused with a code, and harmlessly', () => {
  const doc = createDocument('s')
  doc.getMap('data').set('a', 1)
  doc.getMap('data').set('a', 2)
  const token = tokenOf('s', doc)
  const refused = (session: string, text: string): boolean => {
    try {
      parseToken(session, text)
      return false
    } catch (error) {
      return hasCode(error, 'INVALID_TOKEN')
    }
  }
  expect(refused('s', token)).toBe(false)
  expect(refused('t', token)).toBe(true)
  for (let end = 0; end < token.length; end++) expect(refused('s', token.slice(0, end))).toBe(true)
  for (let at = 0; at < token.length; at++) {
    expect(refused('s', token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1))).toBe(true)
  }
  for (const text of ['', '=', 'AQI', `${token}=`, 'é', 'A'.repeat(100_000)]) expect(refused('s', text)).toBe(true)
  fc.assert(fc.property(fc.string(), (text) => refused('s', text)))
  fc.assert(fc.property(fc.base64String(), (text) => refused('s', text)))
})
