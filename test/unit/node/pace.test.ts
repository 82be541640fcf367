// How much may be on the way to a replica, and that the ledger of acknowledgements counts it right.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { AckLedger } from '../../../node/replication/acked.ts'
import { Pace } from '../../../node/replication/pace.ts'
import type { PeerId } from '../../../transport/port.ts'

const KIB = 1024
const replica = 'replica' as PeerId

test('any link is trusted with a little; more only as it is acknowledged', () => {
  const pace = new Pace()
  pace.sent(32 * KIB)
  expect(pace.isExceeded(0)).toBe(false)
  pace.sent(KIB)
  expect(pace.isExceeded(0)).toBe(true)
  pace.acknowledged(33 * KIB, 10)
  pace.sent(33 * KIB)
  expect(pace.isExceeded(20)).toBe(false)
  pace.sent(1)
  expect(pace.isExceeded(20)).toBe(true)
})

test('what was acknowledged half a second ago says nothing of now', () => {
  const pace = new Pace()
  pace.sent(100 * KIB)
  pace.acknowledged(50 * KIB, 0)
  expect(pace.isExceeded(500)).toBe(false)
  expect(pace.isExceeded(501)).toBe(true)
})

test('a sender that heeds it keeps the queue of a slow link under a second', () => {
  const pace = new Pace()
  const perMs = 64
  const frame = 4 * KIB
  let queued = 0
  for (let now = 0; now < 20_000; now++) {
    // No more than a second's worth at once, also if it never stopped.
    for (let n = 0; n < 20 && !pace.isExceeded(now); n++, queued += frame) pace.sent(frame)
    const taken = Math.min(perMs, queued)
    queued -= taken
    pace.acknowledged(taken, now)
    expect(queued).toBeLessThan(1_000 * perMs)
  }
})

test('it grows to what a quick link takes, though acknowledgements come late', () => {
  const pace = new Pace()
  const roundTripMs = 100
  const frame = 32 * KIB
  const underway: number[] = []
  let taken = 0
  for (let now = 0; now < 3_000; now++) {
    // 16 MiB/s.
    for (let n = 0; n < 1 && !pace.isExceeded(now); n++) {
      pace.sent(frame)
      underway.push(now + roundTripMs)
    }
    for (; (underway[0] ?? Infinity) <= now; underway.shift()) {
      pace.acknowledged(frame, now)
      if (now >= 2_000) taken += frame
    }
  }
  expect(taken).toBe(1_000 * frame)
})

test('whatever is acknowledged, let go or left, in the end nothing is on the way', () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('next' as const), shard: fc.nat(1), bytes: fc.integer({ min: 1, max: 100 * KIB }) }),
    fc.record({ kind: fc.constant('ack' as const), shard: fc.nat(1), from: fc.nat(12), to: fc.nat(12) }),
    fc.record({ kind: fc.constant('let-go' as const), shard: fc.nat(1) }),
    fc.record({ kind: fc.constant('turn' as const), shard: fc.nat(1) }),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      let now = 0
      const ledger = new AckLedger(() => now)
      for (const shard of [0, 1]) ledger.setReplicas(shard, [replica])
      for (const { kind, shard, ...rest } of steps) {
        if (kind === 'next' && 'bytes' in rest) ledger.next(shard, now, rest.bytes)
        if (kind === 'ack' && 'from' in rest) ledger.acknowledge(replica, shard, rest.to, rest.from)
        if (kind === 'let-go') ledger.letGo(shard)
        if (kind === 'turn') for (const replicas of [[], [replica]]) ledger.setReplicas(shard, replicas)
        now++
      }
      for (const shard of [0, 1]) ledger.acknowledge(replica, shard, ledger.last(shard))
      now += 10_000
      expect(ledger.pendingFrames(replica)).toBe(0)
      // Exactly nothing: what any link is trusted with, and not a byte more.
      ledger.next(0, now, 32 * KIB)
      expect(ledger.outpaces(replica)).toBe(false)
      ledger.next(0, now, 1)
      expect(ledger.outpaces(replica)).toBe(true)
    }),
  )
})
