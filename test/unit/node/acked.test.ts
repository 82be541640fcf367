// What each replica has acknowledged, and what may be believed of it.
import { expect, test } from 'vitest'
import { AckLedger } from '../../../node/replication/acked.ts'
import type { PeerId } from '../../../transport/port.ts'

const [a, b] = ['a' as PeerId, 'b' as PeerId]

function ledger(): AckLedger {
  const made = new AckLedger()
  made.join(a)
  made.join(b)
  return made
}

test('acknowledgements are cumulative, per shard, and never go back', () => {
  const made = ledger()
  for (let i = 0; i < 3; i++) made.next(0, 0)
  made.next(1, 0)
  expect(made.acknowledge(a, 0, 2)).toBe(true)
  expect(made.acknowledge(a, 0, 1)).toBe(false)
  expect(made.holders(0, 2)).toEqual([a])
  expect(made.holders(0, 3)).toEqual([])
  expect(made.holders(1, 1)).toEqual([])
  expect(made.pendingFrames(a)).toBe(2)
})

test('a seq that was never given, and a peer that is no replica, are not believed', () => {
  const made = ledger()
  made.next(0, 0)
  expect(made.acknowledge(a, 0, 2)).toBe(false)
  expect(made.acknowledge('x' as PeerId, 0, 1)).toBe(false)
})

test('a newcomer owes only what was gossiped since it came, yet holds nothing until it says so', () => {
  const made = ledger()
  made.next(0, 0)
  made.join('c' as PeerId)
  expect(made.pendingFrames('c' as PeerId)).toBe(0)
  expect(made.holders(0, 1)).toEqual([])
  made.next(0, 10)
  expect(made.pendingFrames('c' as PeerId)).toBe(1)
})

test('lag is the age of the oldest unacknowledged frame, and tells what was lost', () => {
  const made = ledger()
  const limits = { overtakenMs: 250, silentMs: 1_000 }
  made.next(0, 100)
  made.next(3, 150)
  expect(made.lagMs(a, 200)).toBe(100)
  made.acknowledge(a, 0, 1)
  expect(made.lagMs(a, 200)).toBe(50)
  expect(made.lost(a, 400, limits)).toEqual([])
  made.acknowledge(a, 3, 1)
  expect(made.lagMs(a, 400)).toBe(0)
  expect(made.lost(b, 1_000, limits)).toEqual([])
  expect(made.lost(b, 1_100, limits)).toEqual([0])
  made.acknowledge(b, 3, 1)
  made.next(3, 400)
  made.acknowledge(b, 3, 2)
  expect(made.lost(b, 500, limits)).toEqual([0])
})

test('a replica that comes back as a new process has acknowledged nothing', () => {
  const made = ledger()
  made.next(0, 0)
  made.acknowledge(a, 0, 1)
  made.join(a)
  expect(made.holders(0, 1)).toEqual([])
})
