// Retention: what is kept, and that nothing kept ever lacks what it builds on.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseFileName, snapshotName, tagOf, type SnapshotName } from '../../../node/snapshots/id.ts'
import { expiredOf } from '../../../node/snapshots/retention.ts'

const MINUTE_MS = 60_000
const START = Date.UTC(2026, 7, 1)
const NOTHING_MORE = { keepHourly: 0, keepDaily: 0 }

/** A snapshot a minute, every `every`-th a base. */
function minutes(count: number, every: number): SnapshotName[] {
  const names: SnapshotName[] = []
  for (let i = 0; i < count; i++) {
    names.push(snapshotName(START + i * MINUTE_MS, tagOf('peer'), i % every === 0 ? undefined : names.at(-1)))
  }
  return names
}

const kept = (names: readonly SnapshotName[], expired: readonly SnapshotName[]) =>
  names.filter((name) => !expired.includes(name))

test('a name says all that is needed, and reads back', () => {
  const base = snapshotName(START + 123, tagOf('peer'), undefined)
  const increment = snapshotName(START + 60_456, tagOf('peer'), base)
  expect(base.id).toBe(`20260801T000000123Z-${tagOf('peer')}`)
  expect(increment.id).toBe(`20260801T000100456Z-${tagOf('peer')}-after-20260801T000000123Z`)
  for (const name of [base, increment]) expect(parseFileName(`${name.id}.snapshot`)).toEqual(name)
  for (const bad of ['', 'x.snapshot', base.id, `${base.id}.snapshot.0011aabb.partial`, `${base.id}-.snapshot`]) {
    expect(parseFileName(bad)).toBeUndefined()
  }
})

test('the newest are kept, with the chain they stand on', () => {
  const names = minutes(100, 16)
  const left = kept(names, expiredOf(names, { keepLast: 3, ...NOTHING_MORE }))
  // 99, 98 and 97 are increments on 96, a base.
  expect(left).toEqual(names.slice(96))
  expect(kept(names, expiredOf(names, { keepLast: 5, ...NOTHING_MORE }))).toEqual(names.slice(80))
})

test('the last base of each hour and day is kept, of as many as asked for', () => {
  const names = minutes(3 * 24 * 60, 15)
  const left = kept(names, expiredOf(names, { keepLast: 1, keepHourly: 4, keepDaily: 2 }))
  const times = left.filter(({ parentKey }) => parentKey === undefined).map(({ at }) => new Date(at).toISOString())
  expect(times).toEqual([
    '2026-08-02T23:45:00.000Z',
    '2026-08-03T20:45:00.000Z',
    '2026-08-03T21:45:00.000Z',
    '2026-08-03T22:45:00.000Z',
    '2026-08-03T23:45:00.000Z',
  ])
})

test('whatever the policy, every snapshot that is left has its whole chain, and the newest is left', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 1, max: 500 }), fc.boolean()), { minLength: 1, maxLength: 60 }),
      fc.record({ keepLast: fc.nat(5), keepHourly: fc.nat(5), keepDaily: fc.nat(5) }),
      (steps, policy) => {
        const names: SnapshotName[] = []
        let at = START
        for (const [pause, isBase] of steps) {
          at += pause * MINUTE_MS
          names.push(snapshotName(at, tagOf('peer'), isBase ? undefined : names.at(-1)))
        }
        const left = kept(names, expiredOf(names, policy))
        const keys = new Set(left.map(({ key }) => key))
        for (const { parentKey } of left) if (parentKey !== undefined) expect(keys).toContain(parentKey)
        expect(left).toContain(names.at(-1))
      },
    ),
  )
})
