// The on-disk format, held to golden bytes: a change here is a new format version.
import { expect, test } from 'vitest'
import {
  baseKey,
  decodeKey,
  decodeMeta,
  decodeRecord,
  encodeBase,
  encodeLogRecord,
  encodeMeta,
  logKey,
  metaKey,
  sessionRange,
} from '../../../node/store/record.ts'
import { logRecord } from '../../contract/store.contract.ts'

const base = { session: 'a', throughSequence: 300, update: new Uint8Array([1, 2, 3]) }
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const decode = (key: Uint8Array, value: Uint8Array) => {
  const decoded = decodeKey(key)
  return decoded && decodeRecord(key, decoded, value)
}

test('the bytes of format 1 are what they were', () => {
  expect(hex(logKey('a!', 258))).toBe('736121006c0000000000000102')
  expect(hex(baseKey('a!'))).toBe('7361210062')
  expect(hex(metaKey('seed'))).toBe('6d73656564')
  expect(hex(encodeLogRecord(logRecord('a', 1)).value)).toBe('01066f726967696e036230300740934a0000000000010195a9c57c')
  expect(hex(encodeBase(baseKey('a'), base))).toBe('01ac0203010203aa8d3236')
  expect(hex(encodeMeta(metaKey('seed'), new Uint8Array([7])))).toBe('010107c85e68e0')
})

test('what was encoded is decoded', () => {
  const record = { ...logRecord('a', 2 ** 40), origin: '12D3Köö', time: 1.7e12 + 0.25, frameSequence: 2 ** 50 }
  const key = logKey('a', record.sequence)
  expect(encodeLogRecord(record).key).toEqual(key)
  expect(decode(key, encodeLogRecord(record).value)).toEqual(record)
  expect(decode(baseKey('a'), encodeBase(baseKey('a'), base))).toEqual(base)
  expect(decodeMeta(metaKey('m'), encodeMeta(metaKey('m'), base.update))).toEqual(base.update)
})

test('any changed, missing or added byte is found', () => {
  const key = logKey('a', 1)
  const bytes = new Uint8Array(encodeLogRecord(logRecord('a', 1)).value)
  for (let i = 0; i < bytes.length; i++) {
    expect(decode(key, bytes.with(i, (bytes[i] ?? 0) ^ 1))).toBeUndefined()
    expect(decode(key, bytes.subarray(0, i))).toBeUndefined()
  }
  expect(decode(key, new Uint8Array([...bytes, 0]))).toBeUndefined()
})

test('a value under a key that is not its own is damaged', () => {
  const bytes = encodeLogRecord(logRecord('a', 1)).value
  expect(decode(logKey('a', 2), bytes)).toBeUndefined()
  expect(decode(baseKey('a'), bytes)).toBeUndefined()
})

test('what is no key of a session is seen as such', () => {
  for (const key of ['', 's', 's\0b', 'sa', 'sa\0', 'sa\0x', 'sa\0bb', 'sa\0l1234567', 'ma\0b']) {
    expect(decodeKey(Buffer.from(key)), JSON.stringify(key)).toBeUndefined()
  }
  expect(decodeKey(logKey('a', 7))).toEqual({ kind: 'log', session: 'a', sequence: 7 })
})

test('the range of a session holds its keys and no others', () => {
  const { gte, lt } = sessionRange('a')
  const within = (key: Uint8Array) => Buffer.compare(key, gte) >= 0 && Buffer.compare(key, lt) < 0
  expect([baseKey('a'), logKey('a', 0), logKey('a', Number.MAX_SAFE_INTEGER)].every(within)).toBe(true)
  expect([baseKey('a!'), logKey('a!', 0), baseKey('ab'), logKey('A', 1), metaKey('a')].some(within)).toBe(false)
})

test('a sequence that would not sort is refused', () => {
  for (const sequence of [-1, 1.5, Number.NaN, 2 ** 53]) expect(() => logKey('a', sequence)).toThrow(/invariant/)
})
