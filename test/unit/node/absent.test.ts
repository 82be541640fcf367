// What replicas that are away miss, and how long they are not believed when they are back.
import { expect, test } from 'vitest'
import { Absent, MISSED_MAX } from '../../../node/replication/absent.ts'
import type { PeerId } from '../../../transport/port.ts'

const peer = 'p' as PeerId
const nameOf = () => 'name'

test('what is written while a replica is away is counted, in the shards that it kept', () => {
  const absent = new Absent(() => true)
  absent.went(peer, [1, 2], 100)
  absent.published(1, 3)
  absent.published(7, 5)
  absent.published(2, 1)
  expect(absent.list(nameOf)).toEqual([
    { peer, name: 'name', since: 100, isBack: false, missedUpdates: 4, needsFullRepair: false },
  ])
  expect([1, 2, 7].map((shard) => absent.isBehind(peer, shard))).toEqual([true, true, false])
})

test('who comes back is behind until it has been compared in all that both keep', () => {
  const absent = new Absent((_peer, shard) => shard !== 3)
  absent.went(peer, [1, 2, 3], 100)
  absent.returned(peer)
  expect(absent.list(nameOf)).toMatchObject([{ isBack: true }])
  absent.published(1, 3)
  expect(absent.list(nameOf)).toMatchObject([{ missedUpdates: 0 }])
  absent.compared(peer, [1])
  expect([1, 2, 3].map((shard) => absent.isBehind(peer, shard))).toEqual([false, true, false])
  absent.compared(peer, [2])
  expect(absent.list(nameOf)).toEqual([])
})

test('a shard that one of the two has ceased to keep meanwhile is not waited for', () => {
  const kept = new Set([1, 2])
  const absent = new Absent((_peer, shard) => kept.has(shard))
  absent.went(peer, [1, 2], 100)
  absent.returned(peer)
  kept.delete(1)
  expect([1, 2].map((shard) => absent.isBehind(peer, shard))).toEqual([false, true])
  kept.delete(2)
  expect(absent.list(nameOf)).toEqual([])
})

test('going again before it was compared, it still misses what it missed before', () => {
  const absent = new Absent(() => true)
  absent.went(peer, [1], 100)
  absent.published(1, 2)
  absent.returned(peer)
  absent.went(peer, [2], 200)
  absent.published(2, 3)
  expect(absent.list(nameOf)).toMatchObject([{ since: 100, missedUpdates: 5, isBack: false }])
})

test('past the bound nothing of it is believed until all of it has been compared', () => {
  const absent = new Absent(() => true)
  absent.went(peer, [1, 2], 100)
  absent.published(1, MISSED_MAX)
  expect(absent.list(nameOf)).toMatchObject([{ needsFullRepair: false }])
  absent.published(1, 1)
  expect(absent.list(nameOf)).toMatchObject([{ needsFullRepair: true, missedUpdates: MISSED_MAX + 1 }])
  absent.returned(peer)
  absent.compared(peer, [1])
  expect(absent.isBehind(peer, 1)).toBe(true)
  absent.compared(peer, [2])
  expect(absent.isBehind(peer, 1)).toBe(false)
})

test('of peers that never come back only so many are remembered, and of those that kept nothing none', () => {
  const absent = new Absent(() => true)
  for (let i = 0; i < 300; i++) absent.went(`p${i}` as PeerId, [1], i)
  absent.went(peer, [], 300)
  expect(absent.list(nameOf)).toHaveLength(256)
  expect(absent.isBehind('p299' as PeerId, 1)).toBe(true)
  expect(absent.isBehind('p0' as PeerId, 1)).toBe(false)
})
