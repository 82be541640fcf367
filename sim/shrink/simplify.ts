// Plans that are a little simpler than a given one: a fault that is shorter or plainer, an operation that is the same
// as most, a network without losses. Each is one step; whoever shrinks takes those that still fail.
import type { Fault } from '../plan/fault.ts'
import type { Operation, Plan } from '../plan/plan.ts'

const SHORT_MS = 100

/** In the order in which they are worth trying: what makes a plan easiest to read comes first. */
export function simplerPlans(plan: Plan): Plan[] {
  return [
    ...simplerWorlds(plan),
    ...plan.faults.flatMap((fault, index) =>
      simplerFaults(fault).map((simpler) => ({ ...plan, faults: plan.faults.with(index, simpler) })),
    ),
    ...plan.operations.flatMap((operation, index) =>
      simplerOperations(operation).map((simpler) => ({ ...plan, operations: plan.operations.with(index, simpler) })),
    ),
    ...shorterChaos(plan),
  ]
}

function simplerWorlds(plan: Plan): Plan[] {
  const { network, peer, machines } = plan
  const worlds: Plan[] = [
    { ...plan, network: { ...network, lossPerMillion: 0 } },
    { ...plan, network: { ...network, duplicatePerMillion: 0 } },
    { ...plan, network: { ...network, bytesPerMs: 0 } },
    { ...plan, network: { ...network, latencyMinMs: 1, latencyMeanMs: 1 } },
    { ...plan, disk: { syncMeanMs: 1, readMeanMs: 1 } },
    { ...plan, peer: { ...peer, shardCount: 1 } },
    { ...plan, peer: { ...peer, replicationFactor: 'all' } },
    { ...plan, peer: { ...peer, hydratedSessionsMax: 100 } },
    { ...plan, peer: { ...peer, gossip: true } },
    { ...plan, machines: machines.map((machine) => ({ ...machine, zone: '', weight: 1 })) },
    { ...plan, core: machines.map(({ name }) => name) },
  ]
  return worlds.filter((world) => !isSame(world, plan))
}

function simplerFaults(fault: Fault): Fault[] {
  const simpler: Fault[] = []
  if (fault.kind === 'flap') simpler.push({ kind: 'partition', at: fault.at, forMs: fault.forMs, groups: fault.groups })
  if (fault.kind === 'restart') simpler.push({ ...fault, kind: 'crash', wipe: false })
  if (fault.kind === 'crash' && fault.wipe) simpler.push({ ...fault, wipe: false })
  if (fault.kind === 'restore') simpler.push({ ...fault, back: 0 })
  if (fault.kind === 'degrade') {
    simpler.push({ ...fault, lossPerMillion: 0 }, { ...fault, duplicatePerMillion: 0 }, { ...fault, bytesPerMs: 0 })
  }
  if ('machines' in fault && fault.machines.length > 1) {
    simpler.push(
      ...fault.machines.map((gone) => ({ ...fault, machines: fault.machines.filter((name) => name !== gone) })),
    )
  }
  if ('forMs' in fault && fault.forMs > SHORT_MS) simpler.push({ ...fault, forMs: rounded(fault.forMs / 2) })
  simpler.push({ ...fault, at: rounded(fault.at) })
  return simpler.filter((one) => !isSame(one, fault))
}

function simplerOperations(operation: Operation): Operation[] {
  const simpler: Operation[] = [
    { ...operation, durability: 2 },
    { ...operation, at: rounded(operation.at) },
  ]
  if (operation.kind === 'set' || operation.kind === 'unset') simpler.push({ ...operation, key: 'k0' })
  return simpler.filter((one) => !isSame(one, operation))
}

/** The chaos ends earlier: by half, or right after the last that happens in it. */
function shorterChaos(plan: Plan): Plan[] {
  const last = Math.max(0, ...plan.faults.map(({ at }) => at), ...plan.operations.map(({ at }) => at))
  return [last + 1, Math.max(last + 1, rounded((last + plan.chaosMs) / 2))]
    .filter((chaosMs) => chaosMs < plan.chaosMs)
    .map((chaosMs) => ({ ...plan, chaosMs }))
}

function rounded(ms: number): number {
  return Math.max(SHORT_MS, Math.round(ms / SHORT_MS) * SHORT_MS)
}

function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}
