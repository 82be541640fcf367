// Tier B of the simulator: the same plans over the real libp2p and gossipsub, each run in a process of its own.
import { describe, expect, test } from 'vitest'
import { churnPlan } from '../../sim/conformance/churn.ts'
import { kindnesses } from '../../sim/conformance/compare.ts'
import { runModel, runReal } from '../../sim/conformance/conform.ts'
import { measure } from '../../sim/conformance/measure.ts'
import type { Plan } from '../../sim/plan/plan.ts'
import { scenario } from '../../sim/scenarios/load.ts'
import { experiment, openSource } from '../../sim/scenarios/source.ts'

function planOf(name: string, { peers = 4, seed = '1' } = {}): Plan {
  return experiment({ ...scenario(name), name, peers, sessions: 5 }, seed).plan
}

/** Two at a time: that is how many cores there are. */
async function expectOk(plans: readonly Plan[]): Promise<void> {
  const waiting = [...plans]
  const work = async (): Promise<void> => {
    for (let plan = waiting.shift(); plan !== undefined; plan = waiting.shift()) {
      const { verdict, violations, complaints } = await runReal(plan)
      expect({ plan: `${plan.name} ${plan.seed}`, verdict, violations, complaints }).toEqual({
        plan: `${plan.name} ${plan.seed}`,
        verdict: 'ok',
        violations: [],
        complaints: [],
      })
    }
  }
  await Promise.all([work(), work()])
}

describe('over the real libp2p', () => {
  test('the scenarios hold', () =>
    expectOk(['split-halves', 'isolate-one', 'asymmetric', 'flapping'].map((name) => planOf(name))))

  test('what seeds draw holds', async () => {
    const drawn = await openSource({ overrides: { peers: 4 } })
    await expectOk([1, 2, 3, 4, 5, 6].map((seed) => drawn(seed).plan))
  })

  test('peers converge without any gossip of changes', async () => {
    const scenarios = ['split-halves', 'churn'].map((name) => ({
      ...scenario(name),
      name,
      peers: 3,
      peer: { gossip: false },
    }))
    await expectOk(scenarios.map((each) => experiment(each, '1').plan))
  })

  test('a seed gives one trace, also where gossipsub must choose its mesh by chance', async () => {
    // Past twelve neighbours a peer no longer has all of them in its mesh.
    const shape = { ...scenario('split-halves'), peers: 14, sessions: 3, duration: 6_000, faults: [] }
    const { plan } = experiment({ ...shape, faults: [{ kind: 'reset', at: 3_000, from: 'half', to: 'rest' }] }, '1')
    const [one, other] = await Promise.all([runReal(plan), runReal(plan)])
    expect(one.traceHash).toBe(other.traceHash)
    expect(one.verdict).toBe('ok')
  })
})

test('the model loses, delays and doubles gossip at least as much as the real thing does under churn', async () => {
  const plans = [1, 2, 3].map((seed) => churnPlan(String(seed)))
  const real = await Promise.all(plans.map((plan) => runReal(plan)))
  const modelled = []
  for (const plan of plans) modelled.push({ plan, seen: (await runModel(plan)).seen })
  const measured = { model: measure(modelled), real: measure(real) }
  expect(kindnesses(measured.model, measured.real)).toEqual([])
  // There was something to compare.
  for (const { expected } of Object.values(measured.real.gossip)) expect(expected).toBeGreaterThan(50)
})
