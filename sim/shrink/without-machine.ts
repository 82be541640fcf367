// A plan with one machine less: out of the fleet, the core and all faults; its clients ask at another.
import type { Fault } from '../plan/fault.ts'
import type { Plan } from '../plan/plan.ts'

/** Undefined if there would be no core left. */
export function withoutMachine(plan: Plan, gone: string): Plan | undefined {
  const machines = plan.machines.filter(({ name }) => name !== gone)
  const core = plan.core.filter((name) => name !== gone)
  const [first] = machines
  if (first === undefined || core.length === 0) return undefined
  return {
    ...plan,
    machines,
    core,
    clients: plan.clients.map((client) => (client.machine === gone ? { ...client, machine: first.name } : client)),
    faults: plan.faults.flatMap((fault) => faultWithout(fault, gone)),
  }
}

/** Without a fault that is then about nobody. */
function faultWithout(fault: Fault, gone: string): Fault[] {
  const others = (names: readonly string[]) => names.filter((name) => name !== gone)
  if ('machine' in fault) return fault.machine === gone ? [] : [fault]
  if ('between' in fault) return fault.between.includes(gone) ? [] : [fault]
  if ('machines' in fault) {
    const machines = others(fault.machines)
    return machines.length === 0 ? [] : [{ ...fault, machines }]
  }
  if ('groups' in fault) {
    const groups = fault.groups.map(others).filter((group) => group.length > 0)
    return groups.length === 0 ? [] : [{ ...fault, groups }]
  }
  if (fault.kind === 'clog' || fault.kind === 'hand-over')
    return fault.from === gone || fault.to === gone ? [] : [fault]
  const [from, to] = [others(fault.from), others(fault.to)]
  return from.length === 0 || to.length === 0 ? [] : [{ ...fault, from, to }]
}
