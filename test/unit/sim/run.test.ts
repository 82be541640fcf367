// The simulator itself: same seed, same run.
import { expect, test } from 'vitest'
import { drawPlan, simulate } from '../../../sim/index.ts'

test('a seed gives the same trace each time, in any order of seeds', async () => {
  const seeds = [1, 2, 3, 4, 5]
  const hashes = new Map<number, string>()
  for (const seed of seeds) hashes.set(seed, (await simulate(drawPlan(seed))).traceHash)
  for (const seed of seeds.toReversed()) expect((await simulate(drawPlan(seed))).traceHash).toBe(hashes.get(seed))
})
