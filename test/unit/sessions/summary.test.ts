// What a start learns from a summary: all that the catalog keeps of a session at rest, also from one of the version before.
import { expect, test } from 'vitest'
import { HashTree } from '../../../crdt/index.ts'
import { newEntry, type Entry } from '../../../node/sessions/entry.ts'
import { encodeSummary, SummaryReader } from '../../../node/sessions/summary.ts'

const STATE_VECTOR = new Uint8Array([1, 7, 3])

function summaryOf(fields: Partial<Entry>): Uint8Array {
  const tree = new HashTree()
  tree.set('s', new Uint8Array(16).fill(9))
  const entry = { ...newEntry('s', 0), sequence: 4, createdAt: 100, ...fields }
  return encodeSummary(entry, STATE_VECTOR, tree) ?? new Uint8Array()
}

function restored(summary: Uint8Array): Entry | undefined {
  const entry = newEntry('s', 0)
  return new SummaryReader().restore(entry, new HashTree(), summary) ? entry : undefined
}

test.each([
  ['that ends by itself', { expiry: { deadline: 5_000, ttlMs: 400 } }],
  ['that ends at a given time', { expiry: { deadline: 5_000, ttlMs: undefined } }],
  ['that has ended', { terminatedAt: 3_000, purgeAt: 9_000 }],
  ['that lives for ever', {}],
])('of a session %s it tells when', (_, fields) => {
  const { expiry, terminatedAt, purgeAt } = fields as Partial<Entry>
  expect(restored(summaryOf(fields))).toMatchObject({ sequence: 4, createdAt: 100, expiry, terminatedAt, purgeAt })
})

test('one of version 1 knows of no end; of one to come nothing is believed', () => {
  const times = 3 * Float64Array.BYTES_PER_ELEMENT
  const old = summaryOf({ terminatedAt: 3_000 }).slice(0, -times)
  old[0] = 1
  expect(restored(old)).toMatchObject({ terminatedAt: 3_000, purgeAt: undefined, expiry: undefined })
  const future = summaryOf({})
  future[0] = 3
  expect(restored(future)).toBeUndefined()
})
