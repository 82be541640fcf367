// Placement as a pure function: the same members give the same homes, and little moves.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import * as placement from '../../../node/membership/placement.ts'
import { participants, type Candidate, type ReplicationFactor } from '../../../node/membership/placement.ts'
import { Rankings } from '../../../node/membership/rankings.ts'
import type { PeerId } from '../../../transport/port.ts'

const SHARDS = 256
const shards = Array.from({ length: SHARDS }, (_, shard) => shard)
const member = (i: number, zone = ''): Candidate => ({
  peer: `peer-${i}` as PeerId,
  zone,
  weight: 1,
  delegate: null,
  heir: null,
  draining: false,
})
const rank = (shard: number, all: readonly Candidate[]) =>
  new Rankings().of(shard, all).claims.map((claim) => claim.member)
const homeOf = (shard: number, all: readonly Candidate[], pin?: string) =>
  placement.homeOf(new Rankings().of(shard, all), all, pin)
const replicasOf = (shard: number, all: readonly Candidate[], factor: ReplicationFactor) =>
  placement.replicasOf(new Rankings().of(shard, all), all, factor)
const members = (count: number) => Array.from({ length: count }, (_, i) => member(i))
const arbitraryMembers = fc.integer({ min: 1, max: 12 }).map(members)

test('the order in which members are known changes nothing', () => {
  fc.assert(
    fc.property(
      arbitraryMembers.chain((all) => fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length }))),
      fc.nat(SHARDS),
      ([all, shuffled], shard) => {
        expect(rank(shard, shuffled)).toEqual(rank(shard, all))
        expect(homeOf(shard, shuffled)).toBe(homeOf(shard, all))
      },
    ),
  )
})

test('when a member goes, only its own shards get another home', () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 12 }), fc.nat(11), (count, gone) => {
      const all = members(count)
      const left = all.filter((_, i) => i !== gone % count)
      for (const shard of shards) {
        const before = homeOf(shard, all)
        if (before !== all[gone % count]?.peer) expect(homeOf(shard, left)).toBe(before)
      }
    }),
  )
})

test('homes are spread about evenly, and by weight', () => {
  const share = (all: Candidate[]) => shards.filter((shard) => homeOf(shard, all) === 'peer-0').length / SHARDS
  expect(share(members(4))).toBeGreaterThan(0.15)
  expect(share(members(4))).toBeLessThan(0.35)
  expect(share([{ ...member(0), weight: 4 }, member(1)])).toBeGreaterThan(0.7)
  expect(share([{ ...member(0), weight: 0 }, member(1)])).toBe(0)
})

test('replicas are spread over zones before any zone gets a second', () => {
  const zones = ['x', 'x', 'x', 'y', 'z']
  const all = zones.map((zone, i) => member(i, zone))
  const zoneOf = (peer: PeerId) => all.find((each) => each.peer === peer)?.zone
  for (const shard of shards) {
    expect(new Set(replicasOf(shard, all, 3).map(zoneOf)).size).toBe(3)
    expect(replicasOf(shard, all, 'all')).toHaveLength(5)
    expect(replicasOf(shard, all, 9)).toHaveLength(5)
    expect(replicasOf(shard, all, 2)[0]).toBe(homeOf(shard, all))
  }
})

test('a pin is home while alive; a delegate takes over; a circle of delegates changes nothing', () => {
  const all = members(3)
  expect(homeOf(0, all, 'peer-2')).toBe('peer-2')
  expect(homeOf(0, all, 'peer-9')).toBe(homeOf(0, all))
  const delegating = all.map((each) => ({ ...each, delegate: 'peer-1' as PeerId }))
  expect(
    shards.every(
      (shard) =>
        homeOf(
          shard,
          delegating.map((each) => (each.peer === 'peer-1' ? member(1) : each)),
        ) === 'peer-1',
    ),
  ).toBe(true)
  const circle = [0, 1, 2].map((i) => ({ ...member(i), delegate: `peer-${(i + 1) % 3}` as PeerId }))
  for (const shard of shards) expect(homeOf(shard, circle)).toBe(homeOf(shard, all))
})

test('nobody is home of anything in an empty mesh', () => {
  expect(homeOf(0, [])).toBeUndefined()
})

/** Pairs of shard and replica that are in `after` and were not in `before`. */
function moved(before: readonly Candidate[], after: readonly Candidate[], factor: number): number {
  const news = shards.flatMap((shard) => {
    const had = new Set(replicasOf(shard, before, factor))
    return replicasOf(shard, after, factor).filter((peer) => !had.has(peer))
  })
  return news.length
}

test('who joins takes its own share and makes nobody else move; who goes gives back no more', () => {
  fc.assert(
    fc.property(fc.integer({ min: 3, max: 12 }), fc.integer({ min: 1, max: 4 }), fc.nat(11), (count, zones, which) => {
      const all = Array.from({ length: count + 1 }, (_, i) => member(i, `zone-${i % zones}`))
      const less = all.filter((_, i) => i !== which % (count + 1))
      const newcomer = all[which % (count + 1)]?.peer
      const own = shards.filter((shard) => newcomer !== undefined && replicasOf(shard, all, 3).includes(newcomer))
      // Joining: only the newcomer gets anything new. Leaving: one new replica for each that is gone.
      expect(moved(less, all, 3)).toBe(own.length)
      if (count >= 3) expect(moved(all, less, 3)).toBe(own.length)
    }),
  )
})

test('a join moves about its share: 3 / N of the shards', () => {
  for (const count of [4, 7, 11]) {
    const share = moved(members(count), members(count + 1), 3) / SHARDS
    expect(share).toBeGreaterThan((0.6 * 3) / (count + 1))
    expect(share).toBeLessThan((1.5 * 3) / (count + 1))
  }
})

test('a delegate keeps what its principal keeps, beyond the factor; a principal that drains keeps nothing', () => {
  const all = members(6)
  const delegating = all.map((each, i) => (i === 0 ? { ...each, delegate: 'peer-5' as PeerId } : each))
  const drained = delegating.map((each, i) => (i === 0 ? { ...each, draining: true } : each))
  for (const shard of shards) {
    const before = replicasOf(shard, all, 3)
    const [now, then] = [replicasOf(shard, delegating, 3), replicasOf(shard, drained, 3)]
    expect(now.slice(0, 3)).toEqual(before)
    expect(now.length).toBe(before.includes('peer-0' as PeerId) && !before.includes('peer-5' as PeerId) ? 4 : 3)
    expect(then).not.toContain('peer-0')
    expect(new Set(then)).toEqual(new Set(now.filter((peer) => peer !== 'peer-0')))
  }
})

test('an heir keeps what its principal keeps, and nothing else changes', () => {
  const all = members(6)
  const promising = all.map((each, i) => (i === 0 ? { ...each, heir: 'peer-5' as PeerId } : each))
  for (const shard of shards) {
    const before = replicasOf(shard, all, 3)
    const keeps = before.includes('peer-0' as PeerId)
    expect(new Set(replicasOf(shard, promising, 3))).toEqual(new Set(keeps ? [...before, 'peer-5'] : before))
    expect(homeOf(shard, promising)).toBe(homeOf(shard, all))
  }
  const withoutIt = promising.filter(({ peer }) => peer !== 'peer-5')
  expect(replicasOf(0, withoutIt, 'all')).not.toContain('peer-5')
})

test('who drains is left out, unless a delegate stands in for it or there would be nobody left', () => {
  const [first, ...rest] = members(3)
  const draining = { ...member(0), draining: true }
  expect(first).toBeDefined()
  expect(participants([draining, ...rest])).toEqual(rest)
  const delegating = { ...draining, delegate: 'peer-1' as PeerId }
  expect(participants([delegating, ...rest])).toEqual([delegating, ...rest])
  const all = members(3).map((each) => ({ ...each, draining: true }))
  expect(participants(all)).toEqual(all)
  expect(replicasOf(0, participants(all), 'all')).toHaveLength(3)
  const weightless = rest.map((each) => ({ ...each, weight: 0 }))
  expect(participants([draining, ...weightless])).toContain(draining)
})

test('a ranking that follows the members is the one that they would be given anew', () => {
  const arbitraryMember = fc.record({
    peer: fc.nat(9).map((i) => `peer-${i}` as PeerId),
    zone: fc.constantFrom('', 'x', 'y'),
    weight: fc.nat(2),
    delegate: fc.constant(null),
    heir: fc.constant(null),
    draining: fc.boolean(),
  })
  const arbitraryView = fc.uniqueArray(arbitraryMember, { selector: ({ peer }) => peer })
  fc.assert(
    fc.property(fc.array(arbitraryView), (views) => {
      const rankings = new Rankings()
      for (const view of views) {
        for (const shard of [0, 1]) expect(rankings.of(shard, view)).toEqual(new Rankings().of(shard, view))
      }
    }),
  )
})
