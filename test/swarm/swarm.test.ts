// A few hundred seeds, others on each commit.
import { expect, test } from 'vitest'
import { swarm } from '../../sim/swarm/swarm.ts'
import { rangeOfCommit } from './range.ts'

/** On a busy machine fewer seeds, not a longer wait. */
const TIME_LIMIT_MS = 100_000

const { from, to } = rangeOfCommit()

test(`seeds ${from}..${to} violate nothing`, { timeout: 2 * TIME_LIMIT_MS }, async () => {
  const result = await swarm({ source: {}, from, to, timeLimitMs: TIME_LIMIT_MS })
  // The whole sum is in the message: which seed, which checker, what it saw.
  expect(result.violations, `npm run sim -- swarm --seeds ${from}..${to}`).toEqual([])
  expect(result.ok).toBeGreaterThan(0)
  expect(result.vacuous).toBeLessThan(result.ok)
})
