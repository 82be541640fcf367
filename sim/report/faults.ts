// The faults of a plan as a report draws them: when each really began and ended, and what it is to each peer. Read from
// the fields that faults share, so that a new kind is drawn without a change here.
import type { Fault } from '../plan/fault.ts'
import type { Plan } from '../plan/plan.ts'
import { micros } from '../world/process.ts'
import type { FaultFacts } from './page/data.ts'

/** Every field that a fault may have and that says where it is. */
interface Where {
  readonly groups?: readonly (readonly string[])[]
  readonly machines?: readonly string[]
  readonly machine?: string
  readonly between?: readonly string[]
  readonly from?: string | readonly string[]
  readonly to?: string | readonly string[]
  readonly forMs?: number
}

/**
 * @param healedAt when the liveness phase began, if it did: no fault begins after that, and those about the core end
 * @param end when the run ended
 */
export function faultFacts(plan: Plan, healedAt: number | undefined, end: number): FaultFacts[] {
  const over = healedAt ?? end
  return plan.faults
    .filter((fault) => micros(fault.at) <= over)
    .map((fault) => {
      const { kind, at, ...rest } = fault
      const lanes = lanesOf(fault, plan)
      const names = lanes.map(({ name }) => name)
      const isHealed = healedAt !== undefined && names.every((name) => plan.core.includes(name))
      const own = micros(at) + micros((fault as Where).forMs ?? 0)
      const until = own <= over ? own : isHealed ? over : end
      const lane = new Map(plan.machines.map(({ name }, index) => [name, index]))
      return {
        at: micros(at),
        until,
        kind,
        text: describe(rest),
        lanes: lanes.flatMap(({ name, label }) => {
          const index = lane.get(name)
          return index === undefined ? [] : [{ lane: index, label }]
        }),
      }
    })
    .toSorted((one, other) => one.at - other.at)
}

function lanesOf(fault: Fault, plan: Plan): { name: string; label: string }[] {
  const { groups, machines, machine, between, from, to }: Where = fault
  if (groups !== undefined) {
    return plan.machines.map(({ name }) => {
      const member = groups.flatMap((group, index) => (group.includes(name) ? [index + 1] : []))
      return { name, label: member.length === 0 ? 'alone' : `side ${member.join('+')}` }
    })
  }
  if (from !== undefined && to !== undefined) {
    return [
      ...list(from).map((name) => ({ name, label: `${fault.kind}: from here` })),
      ...list(to).map((name) => ({ name, label: `${fault.kind}: to here` })),
    ]
  }
  return [...(machines ?? []), ...(between ?? []), ...(machine === undefined ? [] : [machine])].map((name) => ({
    name,
    label: fault.kind,
  }))
}

function list(names: string | readonly string[]): readonly string[] {
  return typeof names === 'string' ? [names] : names
}

/** Where, how hard, how long: `a b | c d, for 3 s`. */
function describe(rest: Readonly<Record<string, unknown>>): string {
  const { groups, machine, machines, between, from, to, forMs, ...others }: Where & Readonly<Record<string, unknown>> =
    rest
  const where = [
    groups?.map((group) => group.join(' ')).join(' | '),
    machine ?? machines?.join(' ') ?? between?.join(' – '),
    from === undefined || to === undefined ? undefined : `${list(from).join(' ')} → ${list(to).join(' ')}`,
  ]
  const how = Object.entries(others).flatMap(([key, value]) => {
    if (value === false) return []
    return value === true ? [key] : [`${key} ${String(value)}`]
  })
  const long = forMs === undefined ? [] : [`for ${forMs / 1_000} s`]
  return [...where, ...how, ...long].filter((part) => part !== undefined).join(', ')
}
