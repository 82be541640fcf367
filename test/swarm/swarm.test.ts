// A few hundred seeds, others on each commit. SWARM_SEEDS=1..1000 chooses them.
import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { seeds, type Range } from '../../sim/cli/flags.ts'
import { swarm } from '../../sim/swarm/swarm.ts'

const COUNT = 300
/** On a busy machine fewer seeds, not a longer wait. */
const TIME_LIMIT_MS = 100_000

function range(): Range {
  const chosen = process.env['SWARM_SEEDS']
  if (chosen !== undefined) return seeds(chosen)
  const commit = execFileSync('git', ['rev-parse', 'HEAD'], { cwd: import.meta.dirname, encoding: 'utf8' })
  const from = Number.parseInt(commit.slice(0, 8), 16)
  return { from, to: from + COUNT - 1 }
}

const { from, to } = range()

test(`seeds ${from}..${to} violate nothing`, { timeout: 2 * TIME_LIMIT_MS }, async () => {
  const result = await swarm({ source: {}, from, to, timeLimitMs: TIME_LIMIT_MS })
  // The whole sum is in the message: which seed, which checker, what it saw.
  expect(result.violations, `npm run sim -- swarm --seeds ${from}..${to}`).toEqual([])
  expect(result.ok).toBeGreaterThan(0)
  expect(result.vacuous).toBeLessThan(result.ok)
})
