// The schedule under which the model is held against the real thing: everything that makes gossip lose messages, far
// enough apart that each shows by itself. Times differ by seed, because much depends on what phase a dial is in.
import type { Fault } from '../plan/fault.ts'
import type { Operation, Plan } from '../plan/plan.ts'
import { Dice } from '../world/dice.ts'

const MACHINES = ['a', 'b', 'c', 'd']
const FIRST_OPERATION_MS = 2_000
const OPERATION_EVERY_MS = 250
const CHAOS_MS = 118_000
const JITTER_MS = 4_000

const FAULTS: readonly Fault[] = [
  // Shorter than the pings' patience: the connections outlive it.
  {
    kind: 'partition',
    at: 11_000,
    forMs: 3_000,
    groups: [
      ['a', 'b'],
      ['c', 'd'],
    ],
  },
  // Longer: they don't.
  {
    kind: 'partition',
    at: 25_000,
    forMs: 12_000,
    groups: [
      ['a', 'c'],
      ['b', 'd'],
    ],
  },
  { kind: 'partition', at: 50_000, forMs: 14_000, groups: [['a'], ['b', 'c', 'd']] },
  { kind: 'crash', at: 76_000, forMs: 2_000, machines: ['d'], wipe: false },
  { kind: 'restart', at: 88_000, forMs: 1_000, machines: ['b'] },
  { kind: 'freeze', at: 100_000, forMs: 3_000, machine: 'c' },
  { kind: 'reset', at: 110_000, between: ['a', 'd'] },
]

/** Without loss on top: what is lost is lost by churn alone, and the model has to be hostile by itself. */
const LAN: Plan['network'] = {
  latencyMinMs: 0.2,
  latencyMeanMs: 2,
  lossPerMillion: 0,
  duplicatePerMillion: 0,
  bytesPerMs: 0,
}

export function churnPlan(seed: string): Plan {
  const dice = new Dice(`churn/${seed}`)
  return {
    name: 'churn',
    seed,
    machines: MACHINES.map((name) => ({ name, zone: '', weight: 1 })),
    network: LAN,
    disk: { syncMeanMs: 1, readMeanMs: 0.2 },
    peer: { shardCount: 4, replicationFactor: 'all', hydratedSessionsMax: 100, gossip: true },
    faults: FAULTS.map((fault) => ({ ...fault, at: fault.at + dice.below(JITTER_MS) })),
    clients: MACHINES.map((machine) => ({ name: `client-${machine}`, machine })),
    operations: operations(),
    chaosMs: CHAOS_MS,
    settleMs: 40_000,
    core: MACHINES,
  }
}

/** Clients take turns; they write to few sessions, so that everybody writes to everything. */
function operations(): Operation[] {
  const kinds = ['create', 'set', 'push', 'type', 'unset', 'pull', 'erase'] as const
  const count = Math.floor((CHAOS_MS - FIRST_OPERATION_MS) / OPERATION_EVERY_MS)
  return Array.from({ length: count }, (_, index) => ({
    at: FIRST_OPERATION_MS + index * OPERATION_EVERY_MS,
    tag: `t${index}`,
    client: `client-${MACHINES[index % MACHINES.length]}`,
    session: `s${index % 4}`,
    kind: kinds[index < 4 ? 0 : 1 + (index % (kinds.length - 1))] ?? 'set',
    key: `k${index % 3}`,
    durability: 2,
  }))
}
