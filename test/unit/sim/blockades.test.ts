// Faults of the network as a timetable of closed links.
import { expect, test } from 'vitest'
import { blockades } from '../../../sim/faults/blockades.ts'
import type { Scenario } from '../../../sim/scenarios/schema.ts'
import { experiment } from '../../../sim/scenarios/source.ts'

type Fault = NonNullable<Scenario['faults']>[number]

function timetable(...faults: Fault[]): string[] {
  const { plan } = experiment({ peers: 3, duration: 10_000, faults }, '1')
  return blockades(plan).map(({ at, links }) => `${at}: ${links.map((link) => link.join('>')).join(' ')}`)
}

test('a partition closes both ways between groups, a block one way', () => {
  const groups = ['first', 'rest']
  expect(timetable({ kind: 'partition', at: 1_000, for: 2_000, groups })).toEqual(['1000: a>b a>c b>a c>a', '3000: '])
  expect(timetable({ kind: 'block', at: 1_000, for: 2_000, from: 'a', to: 'c' })).toEqual(['1000: a>c', '3000: '])
})

test('what two faults close is open when both have ended, or the chaos has', () => {
  const one: Fault = { kind: 'block', at: 1_000, for: 3_000, from: 'a', to: 'b' }
  const other: Fault = { kind: 'block', at: 2_000, for: 60_000, from: 'a', to: ['b', 'c'] }
  expect(timetable(one, other)).toEqual(['1000: a>b', '2000: a>b a>c', '4000: a>b a>c', '10000: '])
})

test('flapping links are closed first, and open at the end', () => {
  const groups = [['a', 'b'], 'c']
  const closed = 'a>c b>c c>a c>b'
  expect(timetable({ kind: 'flap', at: 1_000, for: 2_500, every: 1_000, groups })).toEqual([
    `1000: ${closed}`,
    '2000: ',
    `3000: ${closed}`,
    '3500: ',
  ])
})

test('a fault that is not one of links is refused', () => {
  expect(() => timetable({ kind: 'crash', at: 1_000, for: 1_000, machines: 'a' })).toThrow('crash')
})
