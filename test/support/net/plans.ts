// Plans of the simulator made fit for real time: shorter, and with keys of which it can be told at the end who wrote them.
import type { Fault } from '../../../sim/plan/fault.ts'
import type { Plan } from '../../../sim/plan/plan.ts'

/** The same plan in `share` of the time. */
export function hurried(plan: Plan, share: number): Plan {
  return {
    ...plan,
    chaosMs: plan.chaosMs * share,
    faults: plan.faults.map((fault) => hurriedFault(fault, share)),
    operations: plan.operations.map((operation) => ({ ...operation, at: operation.at * share })),
  }
}

function hurriedFault(fault: Fault, share: number): Fault {
  return {
    ...fault,
    at: fault.at * share,
    ...('forMs' in fault ? { forMs: fault.forMs * share } : {}),
    ...('everyMs' in fault ? { everyMs: fault.everyMs * share } : {}),
  } as Fault
}

/**
 * Most values get a key of their own. Where everyone writes to the same few, a value that is gone may always have been
 * written over.
 */
export function withOwnKeys(plan: Plan): Plan {
  return {
    ...plan,
    operations: plan.operations.map((operation) => {
      return operation.kind === 'set' && operation.key !== 'k0' ? { ...operation, key: operation.tag } : operation
    }),
  }
}
