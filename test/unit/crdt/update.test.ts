// Reading updates: agrees with the decoder of Yjs on sound ones, and takes any other bytes without harm.
import fc from 'fast-check'
import { performance } from 'node:perf_hooks'
import { expect, test } from 'vitest'
import * as Y from 'yjs'
import {
  createDocument,
  decodeStateVector,
  encodeStateVector,
  hasCode,
  inspectUpdate,
  stateVectorOf,
  type UpdateShape,
} from '../../../crdt/index.ts'
import { worlds } from './world.ts'

/** The shape, or undefined if refused with INVALID_UPDATE; any other error fails. */
function inspected(bytes: Uint8Array): UpdateShape | undefined {
  try {
    return inspectUpdate(bytes)
  } catch (error) {
    expect(hasCode(error, 'INVALID_UPDATE')).toBe(true)
    return undefined
  }
}

/** Fails if reading the bytes takes long three times over: once may be the machine's doing. */
function inspectedQuickly(bytes: Uint8Array): UpdateShape | undefined {
  const times: number[] = []
  do {
    const start = performance.now()
    inspected(bytes)
    times.push(performance.now() - start)
  } while (Math.min(...times) > SLOW_MS && times.length < 3)
  expect(Math.min(...times)).toBeLessThan(SLOW_MS)
  return inspected(bytes)
}
const SLOW_MS = 50

test('reads the same structs and deletes as Yjs', () => {
  const property = fc.property(worlds(), fc.nat(2), ({ updates, writers }, pick) => {
    const writer = writers[pick]
    const whole = writer === undefined ? [] : [Y.encodeStateAsUpdate(writer)]
    const merged = updates.length > 1 ? [Y.mergeUpdates(updates.filter((_, i) => i % 3 !== 1))] : []
    for (const update of [...updates, ...whole, ...merged]) {
      const { structs, ds } = Y.decodeUpdate(update)
      const { clients, deletes } = inspectUpdate(update)
      const ends = new Map<number, number>()
      for (const { id, length } of structs) ends.set(id.client, id.clock + length)
      expect(new Map(clients.map(({ client, runs }) => [client, runs.at(-1)?.end ?? 0]))).toEqual(ends)
      for (const [client, ranges] of ds.clients) {
        expect(deletes.get(client)).toBe(Math.max(...ranges.map(({ clock, len }) => clock + len)))
      }
      expect(deletes.size).toBe(ds.clients.size)
    }
  })
  fc.assert(property, { numRuns: 100 })
})

test('random bytes are refused or read, quickly', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300, size: 'max' }), (bytes) => void inspectedQuickly(bytes)),
    { numRuns: 3000 },
  )
})

test('what is read of a bit-flipped or cut update, a document takes without throwing', () => {
  let read = 0
  const flips = fc.array(fc.tuple(fc.nat(), fc.nat(7)), { minLength: 1, maxLength: 3 })
  const property = fc.property(worlds(), flips, fc.nat(20), ({ writers }, places, cut) => {
    const [writer] = writers
    if (writer === undefined) return
    const sound = Y.encodeStateAsUpdate(writer)
    // One time in four it is cut short as well.
    const bytes = sound.slice(0, sound.length - (cut % 4 === 0 ? Math.min(cut, sound.length) : 0))
    for (const [place, bit] of places) {
      const index = place % Math.max(1, bytes.length)
      bytes[index] = (bytes[index] ?? 0) ^ (1 << bit)
    }
    if (inspectedQuickly(bytes) === undefined) return
    read++
    Y.decodeUpdate(bytes)
    Y.applyUpdate(createDocument('empty'), bytes)
  })
  fc.assert(property, { numRuns: 1000 })
  expect(read).toBeGreaterThan(20)
})

const refused: readonly [string, readonly number[]][] = [
  ['nothing', []],
  ['bytes after its end', [0, 0, 0]],
  ['a client count without clients', [255, 255, 255, 255, 15, 0]],
  ['a struct count without structs', [1, 255, 255, 255, 255, 15, 1, 0]],
  ['a number beyond all range', [255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1]],
  ['a number with endless zeros', [...Array.from({ length: 400 }, () => 128), 0, 0]],
  ['a client twice', [2, 1, 7, 0, 0, 1, 1, 7, 1, 0, 1, 0]],
  ['clients in rising order', [2, 1, 6, 0, 0, 1, 1, 7, 0, 0, 1, 0]],
  ['an empty struct', [1, 1, 7, 0, 0, 0, 0]],
  ['an empty delete', [0, 1, 7, 1, 0, 0]],
  ['an absurd clock', [1, 1, 7, 128, 128, 128, 128, 16, 0, 1, 0]],
  ['an absurd delete', [0, 1, 7, 1, 128, 128, 128, 128, 16, 1]],
  ['an item right of its own successor', [1, 1, 7, 0, 0x84, 7, 5, 1, 97, 0]],
  ['unknown content', [1, 1, 7, 0, 11, 1, 1, 97, 0]],
  ['an unknown shared type', [1, 1, 7, 0, 7, 1, 1, 97, 9, 0]],
  ['a subdocument without options', [1, 1, 7, 0, 9, 1, 1, 97, 1, 98, 127, 0]],
  ['a text that is no UTF-8', [1, 1, 7, 0, 4, 1, 1, 97, 1, 0xff, 0]],
  ['an embed that is no JSON', [1, 1, 7, 0, 5, 1, 1, 97, 1, 123, 0]],
  ['binary content longer than the update', [1, 1, 7, 0, 3, 1, 1, 97, 255, 255, 3, 0]],
]

test.each(refused)('refuses %s', (_, bytes) => {
  expect(inspected(Uint8Array.from(bytes))).toBeUndefined()
})

test('refuses values that nest too deep to be encoded again, in either notation', () => {
  const depth = 100_000
  const arrays = [1, 1, 7, 0, 8, 1, 1, 97, 1, ...Array.from({ length: depth }, () => [117, 1]).flat(), 126, 0]
  expect(inspected(Uint8Array.from(arrays))).toBeUndefined()
  const doc = createDocument('d')
  const nest = (levels: number) => JSON.parse('['.repeat(levels) + ']'.repeat(levels)) as object
  doc.getText('t').insertEmbed(0, nest(900))
  expect(inspected(Y.encodeStateAsUpdate(doc))).toBeDefined()
  doc.getText('t').insertEmbed(0, nest(1100))
  expect(inspected(Y.encodeStateAsUpdate(doc))).toBeUndefined()
})

test('a megabyte of the costliest bytes is read without building any of it', () => {
  // Subdocuments: little to send, much to build. What quadratic reading took, the deadline of the test would show.
  const subdocuments = Array.from({ length: 200_000 }, () => [0x89, 9, 0, 0, 118, 0]).flat()
  const shape = inspectUpdate(Uint8Array.from([1, 192, 154, 12, 7, 0, ...subdocuments, 0]))
  expect(shape.clients[0]?.runs).toEqual([{ clock: 0, end: 200_000, skip: false, needs: [{ client: 9, clock: 0 }] }])
})

test('state vectors keep through their bytes, which are those of Yjs', () => {
  const property = fc.property(worlds(20), fc.nat(2), ({ writers }, pick) => {
    const doc = writers[pick]
    if (doc === undefined) return
    const bytes = encodeStateVector(stateVectorOf(doc))
    expect(bytes).toEqual(Y.encodeStateVector(doc))
    expect(decodeStateVector(bytes)).toEqual(stateVectorOf(doc))
  })
  fc.assert(property)
})

test.each([
  ['nothing', []],
  ['too few entries', [2, 1, 1]],
  ['bytes after the end', [0, 0]],
  ['a client twice', [2, 1, 1, 1, 1]],
  ['an absurd clock', [1, 1, 129, 128, 128, 128, 16]],
])('refuses a state vector with %s', (_, bytes) => {
  expect(() => decodeStateVector(Uint8Array.from(bytes))).toThrow(/state vector at byte/)
})
