// Dice are forked by label: what one part of a world draws depends on its label alone, never on what others drew.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Dice } from '../../../sim/world/dice.ts'

const labels = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 8 }), { minLength: 2, maxLength: 6 })
const draws = (dice: Dice, count: number) => Array.from({ length: count }, () => dice.uint32())

test('a fork draws the same, whatever was drawn before it, from its parent or from other forks, and in any order', () => {
  const property = fc.property(fc.string(), labels, fc.nat(20), (seed, names, before) => {
    const plain = names.map((name) => draws(new Dice(seed).fork(name), 8))
    const busy = new Dice(seed)
    draws(busy, before)
    const forks = names.toReversed().map((name) => busy.fork(name))
    for (const fork of forks) draws(fork, before)
    expect(forks.map(({ label }) => draws(busy.fork(label.slice(seed.length + 1)), 8))).toEqual(plain.toReversed())
  })
  fc.assert(property)
})

test('forks of different labels, and of different seeds, draw differently', () => {
  const property = fc.property(fc.string(), labels, (seed, names) => {
    const all = names.flatMap((name) => [new Dice(seed).fork(name), new Dice(`${seed}0`).fork(name)])
    expect(new Set(all.map((dice) => draws(dice, 4).join())).size).toBe(all.length)
  })
  fc.assert(property)
})

test('draws are whole numbers within their bounds', () => {
  const property = fc.property(fc.string(), fc.integer({ min: 1, max: 1_000_000 }), (seed, count) => {
    const dice = new Dice(seed)
    for (const draw of Array.from({ length: 50 }, () => dice.below(count))) {
      expect(Number.isInteger(draw) && draw >= 0 && draw < count).toBe(true)
    }
  })
  fc.assert(property)
})
