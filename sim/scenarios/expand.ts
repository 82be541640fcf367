// From a scenario and a seed to a plan: words become machines, rates become operations, repetitions become faults.
import type { Fault } from '../plan/fault.ts'
import { machineName } from '../plan/names.ts'
import type { Operation, Plan, PlannedMachine } from '../plan/plan.ts'
import { Dice } from '../world/dice.ts'
import { expandFault } from './expand-fault.ts'
import { isOwn } from './own-code.ts'
import { Selector } from './select.ts'
import type { ReadScenario } from './schema.ts'

/** Faults and writes begin when the mesh has formed. */
const START_MS = 1_500
const KEYS = ['k0', 'k1', 'k2']

/** @throws ScenarioProblem for machines that there are not */
export function expand(scenario: ReadScenario, seed: string): Plan {
  const dice = new Dice(`scenario/${seed}`)
  const machines = planMachines(scenario)
  const { network, disk } = scenario
  return {
    name: scenario.name ?? 'scenario',
    seed,
    machines,
    network: {
      latencyMinMs: network.latency,
      latencyMeanMs: network.jitter,
      lossPerMillion: network.loss,
      duplicatePerMillion: network.duplicate,
      bytesPerMs: network.bandwidth ?? 0,
    },
    disk: { syncMeanMs: disk.sync, readMeanMs: disk.read },
    peer: scenario.peer,
    faults: planFaults(scenario, machines, dice),
    clients: machines.map(({ name }) => ({ name: `client-${name}`, machine: name })),
    operations: planOperations(scenario, machines, dice),
    chaosMs: scenario.duration,
    settleMs: scenario.settle,
    core: new Selector(machines, 'core', 0, dice.fork('core')).machines(scenario.core),
  }
}

function planMachines({ peers, zones }: ReadScenario): PlannedMachine[] {
  return Array.from({ length: peers }, (_, index) => ({
    name: machineName(index),
    zone: zones[index % Math.max(1, zones.length)] ?? '',
    weight: 1,
  }))
}

function planFaults({ faults, duration }: ReadScenario, machines: readonly PlannedMachine[], dice: Dice): Fault[] {
  return faults.flatMap((fault, index) => {
    const path = `faults.${index}`
    const { every, times } = fault.repeat ?? { every: Infinity, times: 1 }
    const count = Math.min(times ?? Infinity, 1 + Math.max(0, Math.floor((duration - fault.at - 1) / every)))
    return Array.from({ length: count }, (_, turn) => {
      const at = turn === 0 ? fault.at : fault.at + turn * every
      return expandFault(fault, at, new Selector(machines, path, turn, dice.fork(`${path}/${turn}`)))
    }).flat()
  })
}

function planOperations(scenario: ReadScenario, machines: readonly PlannedMachine[], dice: Dice): Operation[] {
  const { workload, duration } = scenario
  const durabilities = [workload.durability].flat()
  const isCall = isOwn(workload.operations)
  const choices = choicesOf(workload.operations)
  const sessions = Array.from({ length: scenario.sessions }, (_, index) => `s${index}`)
  const planned: Operation[] = []
  if (!isCall) planned.push(...planCreates(sessions, machines, dice))
  for (const { name } of machines) {
    const own = dice.fork(`client/${name}`)
    let at = START_MS + own.below(workload.every + 1)
    for (let index = 0; at < duration; index++) {
      const choice = own.pick(choices)
      planned.push({
        at,
        tag: `${name}${index}`,
        client: `client-${name}`,
        session: own.pick(sessions),
        kind: isCall ? 'call' : (choice as Operation['kind']),
        key: isCall ? choice : own.pick(KEYS),
        durability: own.pick(durabilities),
      })
      at += Math.max(1, Math.ceil(workload.every / 2) + own.below(workload.every + 1))
    }
  }
  return planned.toSorted((one, other) => one.at - other.at)
}

/** Each as often as it weighs. */
function choicesOf(operations: ReadScenario['workload']['operations']): readonly string[] {
  if (isList(operations)) return operations
  if (isOwn(operations)) return Object.keys(operations)
  return Object.entries(operations).flatMap(([kind, weight]) => Array.from({ length: weight }, () => kind))
}

function planCreates(sessions: readonly string[], machines: readonly PlannedMachine[], dice: Dice): Operation[] {
  return sessions.map((session) => {
    const tag = `create-${session}`
    const { name = '' } = dice.fork(tag).pick(machines)
    return { at: START_MS, tag, client: `client-${name}`, session, kind: 'create', key: 'created', durability: 2 }
  })
}

/** As the compiler does not see it for a read-only list. */
function isList<T>(value: readonly T[] | object): value is readonly T[] {
  return Array.isArray(value)
}
