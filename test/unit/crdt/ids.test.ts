// Session ids and their shards, and the hash under everything.
import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { hash128, parseSessionId, SHARD_COUNT_DEFAULT, shardOf, toHex } from '../../../crdt/index.ts'

test('takes 1 to 256 characters of visible ASCII', () => {
  const visible = fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code))
  fc.assert(fc.property(fc.string({ unit: visible, minLength: 1, maxLength: 256 }), (id) => parseSessionId(id) === id))
  expect(parseSessionId('x'.repeat(256))).toHaveLength(256)
})

test.each([
  [undefined, /must be a string, not undefined/],
  [null, /must be a string, not null/],
  [7, /must be a string, not number/],
  ['', /must not be empty/],
  ['x'.repeat(257), /at most 256 characters, not 257/],
  ['with blank', /not U\+0020 at character 4/],
  ['tab\t', /not U\+0009 at character 3/],
  ['café', /not U\+00E9 at character 3/],
  ['a\u0000', /not U\+0000 at character 1/],
])('refuses %j and says why', (value, reason) => {
  expect(() => parseSessionId(value)).toThrow(reason)
  expect(() => parseSessionId(value)).toThrow(expect.objectContaining({ code: 'INVALID_SESSION_ID' }))
})

test('a shard is fixed for ever by the id: golden values, part of the protocol', () => {
  const ids = ['a', 'basket-17', 'session-1', 'session-2', '~']
  expect(ids.map((id) => shardOf(id, SHARD_COUNT_DEFAULT))).toEqual([51, 0, 11, 37, 12])
})

test('similar ids spread evenly over the shards', () => {
  const counts = Array.from({ length: SHARD_COUNT_DEFAULT }, () => 0)
  for (let i = 0; i < 64_000; i++) {
    const shard = shardOf(`session-${i}`, SHARD_COUNT_DEFAULT)
    counts[shard] = (counts[shard] ?? 0) + 1
  }
  expect(Math.min(...counts)).toBeGreaterThan(850)
  expect(Math.max(...counts)).toBeLessThan(1150)
})

test('the hash is SHA-256 of the parts, cut to 16 bytes', () => {
  const expected = createHash('sha256')
    .update('idé')
    .update(Uint8Array.from([1, 2]))
    .digest('hex')
    .slice(0, 32)
  expect(toHex(hash128('idé', Uint8Array.from([1, 2])))).toBe(expected)
  expect(hash128(Uint8Array.from([1]))).toEqual(hash128('\u0001'))
})
