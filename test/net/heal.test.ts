// Two zones of three peers, cut apart under writes and deletes on both sides: what is left when the links are back.
// `NET_CUT_SECONDS=60 npm run test:net -- heal` cuts for a minute.
import { describe, expect, test } from 'vitest'
import type { Operation, Plan } from '../../sim/plan/plan.ts'
import type { Scenario } from '../../sim/scenarios/schema.ts'
import { experiment } from '../../sim/scenarios/source.ts'
import { withOwnKeys } from '../support/net/plans.ts'
import { play } from '../support/net/play.ts'
import { expectHeld } from '../support/net/verdict.ts'

const CUT_MS = 1_000 * Number(process.env['NET_CUT_SECONDS'] ?? 8)
/** When the mesh has written for a while, all together. */
const CUT_AT_MS = 3_000

/** From the return of the links until all replicas are equal. */
const EQUAL_WITHIN_MS = 3_000

const cuts = {
  'two zones cut apart': { kind: 'partition', at: CUT_AT_MS, for: CUT_MS, groups: 'zones' },
  'one zone that is not heard': { kind: 'block', at: CUT_AT_MS, for: CUT_MS, from: 'zone north', to: 'zone south' },
  'links that flap between the zones': { kind: 'flap', at: CUT_AT_MS, for: CUT_MS, every: 1_500, groups: 'zones' },
} satisfies Record<string, NonNullable<Scenario['faults']>[number]>

describe.each(['all', 3] as const)('with replicationFactor %s', (replicationFactor) => {
  test.each(Object.entries(cuts))('%s', async (name, fault) => {
    const { plan } = experiment(
      {
        name,
        peers: 6,
        zones: ['north', 'south'],
        sessions: 12,
        duration: CUT_AT_MS + CUT_MS,
        settle: EQUAL_WITHIN_MS,
        faults: [fault],
        peer: { replicationFactor },
      },
      '1',
    )
    const played = await play(withTerminations(withOwnKeys(plan)))
    expectHeld(played)
    // On both sides, and they count: the checkers hold every disk and every answer against them.
    const ended = played.recording.history.entries.filter(({ operation }) => operation.kind === 'terminate')
    expect(ended.map(({ machine, outcome }) => `${machine} ${outcome}`).toSorted()).toEqual(['a acked', 'b acked'])
  })
})

/**
 * In the middle of the cut each side terminates a session that the other goes on writing to. Who does is a client with
 * nothing else to do: the others may be waiting for copies that can't be had.
 */
function withTerminations(plan: Plan): Plan {
  const endings = new Map([
    ['s0', 'a'],
    ['s1', 'b'],
  ])
  const clients = [...endings].map(([session, machine]) => ({ name: `ends-${session}`, machine }))
  const created = plan.operations.map((one) =>
    one.kind === 'create' && endings.has(one.session) ? { ...one, client: `ends-${one.session}` } : one,
  )
  const ended = [...endings.keys()].map((session): Operation => {
    const names = { tag: `end-${session}`, client: `ends-${session}`, session }
    return { at: CUT_AT_MS + CUT_MS / 2, kind: 'terminate', key: '', durability: 2, ...names }
  })
  return { ...plan, clients: [...plan.clients, ...clients], operations: [...created, ...ended] }
}
