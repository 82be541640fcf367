// Shrinking: the smallest part of a list, and of a plan with a planted violation.
import { expect, test, vi } from 'vitest'
import type * as Y from 'yjs'
import { attempt } from '../../../sim/run/attempt.ts'
import { inMacrotask } from '../../../sim/run/in-macrotask.ts'
import type { Scenario } from '../../../sim/scenarios/schema.ts'
import { experiment } from '../../../sim/scenarios/source.ts'
import { ddmin } from '../../../sim/shrink/ddmin.ts'
import { shrink } from '../../../sim/shrink/shrink.ts'
import { withoutMachine } from '../../../sim/shrink/without-machine.ts'

vi.setConfig({ testTimeout: 240_000 })

test.each([
  [20, [3, 17]],
  [16, [0, 1, 15]],
  [9, [4]],
  [5, []],
  [1, [0]],
])('of %d items exactly %j are left', async (count, culprits) => {
  const whole = Array.from({ length: count }, (_, index) => index)
  let runs = 0
  const part = await ddmin(whole, async (part) => {
    runs++
    return culprits.every((culprit) => part.includes(culprit))
  })
  expect(part).toEqual(culprits)
  expect(runs).toBeLessThan(120)
})

/** Fails once both functions have been called, in whatever session: two operations and nothing else are needed. */
const PLANTED: Scenario = {
  peers: 4,
  sessions: 3,
  duration: '6s',
  faults: [
    { kind: 'partition', at: '2s', for: '2s', groups: 'halves' },
    { kind: 'crash', at: '3s', for: '1s', machines: 'any' },
    { kind: 'reset', at: '4s', from: 'a', to: 'rest' },
  ],
  workload: {
    every: '1s',
    operations: { left: (doc) => mark(doc, 'left'), right: (doc) => mark(doc, 'right') },
  },
  check(docs) {
    for (const doc of docs.values()) if (doc.getMap('side').size === 2) throw new Error('both')
  },
}

function mark(doc: Y.Doc, side: string): void {
  doc.getMap('side').set(side, true)
}

test('a planted violation shrinks to two operations on one machine, each time the same', async () => {
  const { plan, own } = experiment(PLANTED, '1')
  const options = { run: (plan: Parameters<typeof attempt>[0]) => inMacrotask(() => attempt(plan, { own })) }
  const first = await shrink(plan, options)
  expect(first?.violation).toMatchObject({ checker: 'check', message: expect.stringContaining('both') })
  const smallest = first?.result.plan
  expect(smallest?.faults).toEqual([])
  expect(smallest?.machines).toHaveLength(1)
  expect(smallest?.operations.map(({ key }) => key).toSorted()).toEqual(['left', 'right'])
  expect(new Set(smallest?.operations.map(({ session }) => session)).size).toBe(1)
  expect((await shrink(plan, options))?.result).toMatchObject({ plan: smallest, traceHash: first?.result.traceHash })
})

test('a plan that does not fail is not shrunk', async () => {
  const { plan } = experiment({ peers: 2, sessions: 1, duration: '3s' }, '1')
  expect(await shrink(plan, { run: (plan) => inMacrotask(() => attempt(plan)) })).toBeUndefined()
})

test('a machine that is taken away is nowhere in the plan', () => {
  const { plan } = experiment(PLANTED, '1')
  const smaller = withoutMachine(plan, 'a')
  expect(JSON.stringify([smaller?.machines, smaller?.core, smaller?.faults])).not.toContain('"a"')
  expect(smaller?.clients.map(({ machine }) => machine)).not.toContain('a')
  expect(withoutMachine({ ...plan, core: ['a'] }, 'a')).toBeUndefined()
})
