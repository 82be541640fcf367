// What each replica has acknowledged, and what may be believed of it.
import { expect, test } from 'vitest'
import { AckLedger } from '../../../node/replication/acked.ts'
import type { PeerId } from '../../../transport/port.ts'

const [a, b] = ['a' as PeerId, 'b' as PeerId]

function ledger(): AckLedger {
  const made = new AckLedger(() => 0)
  for (let shard = 0; shard < 4; shard++) made.setReplicas(shard, [a, b])
  return made
}

const holders = (made: AckLedger, shard: number, sequence: number): PeerId[] =>
  [a, b].filter((peer) => made.hasAcknowledged(peer, shard, sequence))

test('acknowledgements are cumulative, per shard, and never go back', () => {
  const made = ledger()
  for (let i = 0; i < 3; i++) made.next(0, 0, 1)
  made.next(1, 0, 1)
  expect(made.acknowledge(a, 0, 2)).toBe(true)
  expect(made.acknowledge(a, 0, 1)).toBe(false)
  expect(holders(made, 0, 2)).toEqual([a])
  expect(holders(made, 0, 3)).toEqual([])
  expect(holders(made, 1, 1)).toEqual([])
  expect(made.pendingFrames(a)).toBe(2)
})

test('a seq that was never given, and a peer that is no replica, are not believed', () => {
  const made = ledger()
  made.next(0, 0, 1)
  expect(made.acknowledge(a, 0, 2)).toBe(false)
  expect(made.acknowledge('x' as PeerId, 0, 1)).toBe(false)
})

test('a newcomer owes only what was gossiped since it came, yet holds nothing until it says so', () => {
  const made = ledger()
  made.next(0, 0, 1)
  made.setReplicas(0, [a, b, 'c' as PeerId])
  expect(made.pendingFrames('c' as PeerId)).toBe(0)
  expect(holders(made, 0, 1)).toEqual([])
  made.next(0, 10, 1)
  expect(made.pendingFrames('c' as PeerId)).toBe(1)
})

test('lag is the age of the oldest unacknowledged frame, and tells what was lost', () => {
  const made = ledger()
  const limits = { overtakenMs: 250, silentMs: 1_000 }
  made.next(0, 100, 1)
  made.next(3, 150, 1)
  expect(made.lagMs(a, 200)).toBe(100)
  made.acknowledge(a, 0, 1)
  expect(made.lagMs(a, 200)).toBe(50)
  expect(made.lost(a, 400, limits)).toEqual([])
  made.acknowledge(a, 3, 1)
  expect(made.lagMs(a, 400)).toBe(0)
  expect(made.lost(b, 1_000, limits)).toEqual([])
  expect(made.lost(b, 1_100, limits)).toEqual([0])
  made.acknowledge(b, 3, 1)
  made.next(3, 400, 1)
  made.acknowledge(b, 3, 2)
  expect(made.lost(b, 500, limits)).toEqual([0])
})

test('a replica that comes back as a new process has acknowledged nothing', () => {
  const made = ledger()
  made.next(0, 0, 1)
  made.acknowledge(a, 0, 1)
  made.forget(a)
  made.setReplicas(0, [a, b])
  expect(holders(made, 0, 1)).toEqual([])
})

test('only replicas of the shard itself count, and only while they are', () => {
  const made = ledger()
  made.setReplicas(0, [a])
  made.next(0, 0, 1)
  made.next(1, 0, 1)
  expect(made.acknowledge(b, 0, 1)).toBe(false)
  expect(made.acknowledge(b, 1, 1)).toBe(true)
  expect(made.pendingFrames(a)).toBe(2)
  expect(made.pendingFrames(b)).toBe(0)
  made.setReplicas(1, [b])
  expect(made.pendingFrames(a)).toBe(1)
  expect(holders(made, 1, 1)).toEqual([b])
  made.setReplicas(0, [])
  expect(made.replicas()).toEqual([a, b])
  for (const shard of [1, 2, 3]) made.setReplicas(shard, [b])
  expect(made.replicas()).toEqual([b])
})

test('who came late holds what it says it holds, and not what was before', () => {
  const made = ledger()
  for (let i = 0; i < 5; i++) made.next(0, i, 1)
  expect(made.acknowledge(a, 0, 4, 4)).toBe(true)
  expect(holders(made, 0, 4)).toEqual([a])
  expect(holders(made, 0, 3)).toEqual([])
  expect(made.holds(a, 0, 4)).toBe(false)
  // What it has not seen is still owed, and is found to be lost in time.
  expect(made.pendingFrames(a)).toBe(5)
  expect(made.lost(a, 1_000, { overtakenMs: 250, silentMs: 500 })).toEqual([0])
  expect(made.acknowledge(a, 0, 5)).toBe(true)
  expect(holders(made, 0, 1)).toEqual([a])
  expect(made.holds(a, 0, 5)).toBe(true)
  expect(made.pendingFrames(a)).toBe(0)
})

test('two ranges with a gap between them are never taken for one', () => {
  const made = ledger()
  for (let i = 0; i < 9; i++) made.next(0, i, 1)
  made.acknowledge(a, 0, 3)
  expect(made.acknowledge(a, 0, 8, 7)).toBe(true)
  expect(holders(made, 0, 5)).toEqual([])
  expect(holders(made, 0, 7)).toEqual([a])
  expect(made.acknowledge(a, 0, 4)).toBe(false)
  expect(holders(made, 0, 5)).toEqual([])
  expect(made.acknowledge(a, 0, 6, 5)).toBe(true)
  expect(holders(made, 0, 5)).toEqual([a])
})

test('once sessions were let go, nobody owes what was sent before, and nobody is said to hold it', () => {
  const made = ledger()
  for (let i = 0; i < 3; i++) made.next(0, i, 1)
  made.acknowledge(a, 0, 1)
  made.letGo(0)
  expect([made.pendingFrames(a), made.pendingFrames(b)]).toEqual([0, 0])
  expect(made.heldFrom(0)).toBe(4)
  expect(made.holds(b, 0, 3)).toBe(true)
  expect(holders(made, 0, 2)).toEqual([])
  made.next(0, 9, 1)
  expect([made.pendingFrames(a), made.pendingFrames(b)]).toEqual([1, 1])
  // Equal disks say nothing of what was let go.
  made.acknowledge(b, 0, 4, made.heldFrom(0))
  expect([made.pendingFrames(a), made.pendingFrames(b)]).toEqual([1, 0])
  expect(holders(made, 0, 3)).toEqual([])
  expect(holders(made, 0, 4)).toEqual([b])
})
