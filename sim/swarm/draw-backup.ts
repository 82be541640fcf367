// Seeds in which snapshots are taken and restored: into a mesh that goes on, and after disks were lost.
import type { Fault } from '../plan/fault.ts'
import type { Plan } from '../plan/plan.ts'
import { MILLION, type Dice } from '../world/dice.ts'

const FIRST_MS = 2_500
const SNAPSHOTS_MAX = 5
const RESTORES_MAX = 3
/** How long a machine is away whose disk is replaced, and when after its start somebody restores. */
const REPLACED_AFTER_MS = 800
const RESTORED_AFTER_MS = 700

/** The plan, or the plan with backups. */
export function withBackup(plan: Plan, dice: Dice): Plan {
  if (!dice.chance(MILLION / 5)) return plan
  return { ...plan, faults: [...plan.faults, ...drawBackup(plan, dice)] }
}

function drawBackup({ machines, chaosMs }: Plan, dice: Dice): Fault[] {
  const names = machines.map(({ name }) => name)
  const time = (own: Dice) => FIRST_MS + own.below(Math.max(1, chaosMs - FIRST_MS - 500))
  const snapshots = Array.from({ length: dice.between(1, SNAPSHOTS_MAX) }, (_, index): Fault => {
    const own = dice.fork(`snapshot/${index}`)
    return { kind: 'snapshot', at: time(own), machine: own.pick(names) }
  })
  const first = Math.min(...snapshots.map(({ at }) => at))
  const restores = Array.from({ length: dice.between(1, RESTORES_MAX) }, (_, index): Fault => {
    const own = dice.fork(`restore/${index}`)
    const at = Math.max(first + own.between(1, 1_500), time(own))
    return { kind: 'restore', at, machine: own.pick(names), back: own.pick([0, 0, 1, 3]) }
  })
  return [...snapshots, ...restores, ...drawLoss(dice.fork('loss'), names, time)]
}

/** Now and then one disk is lost, or all, and somebody restores the newest snapshot on a new one. */
function drawLoss(dice: Dice, names: readonly string[], time: (own: Dice) => number): Fault[] {
  if (!dice.chance(MILLION / 3)) return []
  const at = time(dice)
  const lost = dice.chance(MILLION / 2) ? names : [dice.pick(names)]
  const restoredAt = at + REPLACED_AFTER_MS + RESTORED_AFTER_MS
  return [
    { kind: 'crash', at, forMs: REPLACED_AFTER_MS, machines: lost, wipe: true },
    { kind: 'restore', at: restoredAt, machine: dice.pick(lost), back: 0 },
  ]
}
