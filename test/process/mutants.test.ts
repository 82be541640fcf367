// The alarms ring: the simulator catches every mutant, each by the checker that guards what is broken.
import { expect, test } from 'vitest'
import { hunt } from '../../sim/mutants/hunt.ts'
import { MUTANTS } from '../../sim/mutants/index.ts'

const SEEDS_MAX = 300

test('every mutant is caught by its guard', async () => {
  const waiting = [...MUTANTS]
  const alive: string[] = []
  const hunter = async () => {
    for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
      const { violation } = await hunt(mutant, SEEDS_MAX)
      if (violation === undefined) alive.push(mutant.name)
    }
  }
  await Promise.all([hunter(), hunter()])
  expect(alive).toEqual([])
})
