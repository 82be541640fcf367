// One fault of a scenario as faults of a plan: one each, where the plan's kind is about a single machine.
import type { Fault } from '../plan/fault.ts'
import type { ReadFault } from './fault-schema.ts'
import type { Selector } from './select.ts'

/** @throws ScenarioProblem for machines that there are not */
export function expandFault(fault: ReadFault, at: number, select: Selector): Fault[] {
  switch (fault.kind) {
    case 'partition':
      return [{ kind: fault.kind, at, forMs: fault.for, groups: select.groups(fault.groups) }]
    case 'flap':
      return [{ kind: fault.kind, at, forMs: fault.for, groups: select.groups(fault.groups), everyMs: fault.every }]
    case 'degrade':
      return [
        {
          kind: fault.kind,
          at,
          forMs: fault.for,
          machines: select.machines(fault.machines),
          latencyMs: fault.latency,
          lossPerMillion: fault.loss,
          duplicatePerMillion: fault.duplicate,
          bytesPerMs: fault.bandwidth ?? 0,
        },
      ]
    case 'crash':
      return [{ kind: fault.kind, at, forMs: fault.for, machines: select.machines(fault.machines), wipe: fault.wipe }]
    case 'restart':
      return [{ kind: fault.kind, at, forMs: fault.for, machines: select.machines(fault.machines) }]
    case 'block': {
      const [from, to] = select.sides(fault.from, fault.to)
      return [{ kind: fault.kind, at, forMs: fault.for, from, to }]
    }
    case 'clog':
    case 'hand-over':
      return pairs(select, fault).map(([from, to]) => ({ kind: fault.kind, at, forMs: fault.for, from, to }))
    case 'reset':
      return pairs(select, fault).map((between) => ({ kind: fault.kind, at, between }))
    case 'cut-requests':
      return pairs(select, fault).map((between) => ({ kind: fault.kind, at, forMs: fault.for, between }))
    default:
      return select.machines(fault.machines).map((machine) => onMachine(fault, at, machine))
  }
}

/** Kinds that the plan, too, has for several machines at once. */
type OnSeveral =
  | 'partition'
  | 'flap'
  | 'block'
  | 'clog'
  | 'reset'
  | 'cut-requests'
  | 'degrade'
  | 'crash'
  | 'restart'
  | 'hand-over'

function onMachine(fault: Exclude<ReadFault, { kind: OnSeveral }>, at: number, machine: string): Fault {
  switch (fault.kind) {
    case 'swizzle':
    case 'freeze':
    case 'twin':
    case 'full-disk':
    case 'read-errors':
    case 'drain':
      return { kind: fault.kind, at, forMs: fault.for, machine }
    case 'slow':
      return { kind: fault.kind, at, forMs: fault.for, machine, byMs: fault.by }
    case 'slow-disk':
      return { kind: fault.kind, at, forMs: fault.for, machine, factor: fault.factor }
    case 'join':
    case 'leave':
    case 'rot':
    case 'snapshot':
      return { kind: fault.kind, at, machine }
    case 'restore':
      return { kind: fault.kind, at, machine, back: fault.back }
    case 'clock-jump':
      return { kind: fault.kind, at, machine, byMs: fault.by }
    case 'clock-drift':
      return { kind: fault.kind, at, machine, partsPerMillion: fault.partsPerMillion }
  }
}

function pairs(select: Selector, fault: { from: string | string[]; to: string | string[] }): [string, string][] {
  const [from, to] = select.sides(fault.from, fault.to)
  return from.flatMap((one) => to.filter((other) => other !== one).map((other): [string, string] => [one, other]))
}
