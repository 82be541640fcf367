// Seed and version decide a run down to its last event: in a worker or not, in any order of seeds.
import { expect, test } from 'vitest'
import { drawPlan } from '../../sim/index.ts'
import { inMacrotask } from '../../sim/run/in-macrotask.ts'
import { outcomeOf, type Outcome } from '../../sim/swarm/outcome.ts'
import { swarm } from '../../sim/swarm/swarm.ts'
import { Tally } from '../../sim/swarm/tally.ts'
import { rangeOfCommit } from './range.ts'

const COUNT = 200
const { from } = rangeOfCommit()
const to = from + COUNT - 1

test(`seeds ${from}..${to} have the same traces twice`, { timeout: 600_000 }, async () => {
  const { traceHash, events } = await swarm({ source: {}, from, to, failuresMax: COUNT })
  const outcomes: Outcome[] = []
  for (let seed = to; seed >= from; seed--) {
    outcomes.push(await inMacrotask(() => outcomeOf(seed, { plan: drawPlan(seed) })))
  }
  const tally = new Tally()
  for (const outcome of outcomes.toReversed()) tally.add(outcome)
  expect(tally.totals()).toMatchObject({ seeds: COUNT, traceHash, events })
})
