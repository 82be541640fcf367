// Tests the merge logic of cart.ts under partition: clients add tea on both sides of a split, and every addition that
// was acknowledged must be in the cart when the halves are one again. Run it with vitest.
import { scenario, simulate, type Check, type OwnOperation } from 'sessionmesh/sim'
import { expect, test } from 'vitest'
import type { Doc } from 'yjs'
import { addEntry, addInPlace, countEntries, countInPlace } from './cart.ts'

/** Every acknowledged addition is counted, and none that nobody asked for. */
function countsAll(count: (doc: Doc, item: string) => number): Check {
  return (docs, calls) => {
    for (const [session, doc] of docs) {
      const added = calls.filter((call) => call.session === session)
      const acknowledged = added.filter(({ outcome }) => outcome === 'acked').length
      const found = count(doc, 'tea')
      if (found < acknowledged) throw new Error(`${session}: ${found} in the cart, ${acknowledged} acknowledged`)
      if (found > added.length) throw new Error(`${session}: ${found} in the cart, ${added.length} asked for`)
    }
  }
}

const split = { ...scenario('split-halves'), peers: 4, sessions: 2 }
const workload = (add: OwnOperation) => ({ every: '1s', operations: { add } })

test.each([1, 2, 3])('additions as entries survive a partition (seed %d)', async (seed) => {
  const result = await simulate(
    { ...split, workload: workload((doc, { tag }) => addEntry(doc, 'tea', tag)), check: countsAll(countEntries) },
    { seed },
  )
  expect(result.violations).toEqual([])
  expect(result.verdict).toBe('ok')
})

test('counting in place loses additions, and the simulator says so', async () => {
  const result = await simulate({
    ...split,
    workload: workload((doc) => addInPlace(doc, 'tea')),
    check: countsAll(countInPlace),
  })
  expect(result.violations[0]?.checker).toBe('check')
  expect(result.violations[0]?.message).toMatch(/in the cart/)
})
