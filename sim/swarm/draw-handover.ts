// Seeds in which peers drain or hand their homes over: under writes, among all other faults, and now and then either
// side stops in the middle of it.
import type { Fault } from '../plan/fault.ts'
import type { Plan } from '../plan/plan.ts'
import { MILLION, type Dice } from '../world/dice.ts'

const FIRST_MS = 1_500
const HANDOVERS_MAX = 3

/** The plan, or the plan with handovers. */
export function withHandovers(plan: Plan, dice: Dice): Plan {
  if (!dice.chance(MILLION / 5)) return plan
  const count = dice.between(1, HANDOVERS_MAX)
  const faults = Array.from({ length: count }, (_, index) => drawHandover(plan, dice.fork(`handover/${index}`)))
  return { ...plan, faults: [...plan.faults, ...faults.flat()] }
}

function drawHandover({ machines, chaosMs }: Plan, dice: Dice): Fault[] {
  const [from = '', to = ''] = dice.shuffle(machines.map(({ name }) => name))
  const at = FIRST_MS + dice.below(Math.max(1, chaosMs - FIRST_MS))
  const forMs = dice.pick([100, 1_000, 3_000, 8_000])
  const handover: Fault = dice.chance(MILLION / 2)
    ? { kind: 'drain', at, forMs, machine: from }
    : { kind: 'hand-over', at, forMs, from, to }
  if (!dice.chance(MILLION / 3)) return [handover]
  const restarted = { at: at + dice.below(forMs), forMs: dice.pick([200, 1_000]), machines: [dice.pick([from, to])] }
  return [handover, { kind: 'restart', ...restarted }]
}
