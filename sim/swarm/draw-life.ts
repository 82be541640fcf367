// Seeds whose sessions live for seconds: they end by themselves, or deletions are forgotten while some peers are away for
// longer than that.
import type { Fault } from '../plan/fault.ts'
import { bearable } from '../plan/life.ts'
import type { Operation, Plan, PlannedLife, PlannedNetwork } from '../plan/plan.ts'
import { MILLION, type Dice } from '../world/dice.ts'

const RETENTION_MS = 8_000
/** By then a tombstone is forgotten everywhere. */
const FORGOTTEN_AFTER_MS = RETENTION_MS + 3_000
const ABSENCES_MAX = 3

/** Undefined for most seeds: their sessions live for ever. */
export function drawLife(dice: Dice): PlannedLife | undefined {
  if (!dice.chance(MILLION / 5)) return undefined
  return dice.pick([
    { ttlMs: 2_000, retentionMs: 0 },
    { ttlMs: 4_000, retentionMs: 0 },
    { ttlMs: 0, retentionMs: RETENTION_MS },
    { ttlMs: 0, retentionMs: RETENTION_MS },
  ])
}

/** How long the chaos must last for something to come of it. */
export function chaosOf({ retentionMs }: PlannedLife): number {
  return retentionMs === 0 ? 16_000 : 28_000
}

/** The plan with sessions that come to their end, under faults that such a mesh must bear. */
export function withLife(plan: Plan, life: PlannedLife, dice: Dice): Plan {
  const names = plan.machines.map(({ name }) => name)
  const absences = life.retentionMs === 0 ? [] : drawAbsences(dice.fork('absences'), names)
  const faults = [...bearable(plan.faults, life), ...absences]
  const gone = new Set(faults.flatMap((fault) => (fault.kind === 'leave' ? [fault.machine] : [])))
  const kind: Operation['kind'] = life.ttlMs > 0 ? 'touch' : 'terminate'
  return {
    ...plan,
    peer: { ...plan.peer, life },
    network: life.retentionMs === 0 ? plan.network : promptly(plan.network),
    faults,
    operations: plan.operations.map((operation) => {
      const isOther = operation.kind !== 'create' && dice.fork(`kind/${operation.tag}`).chance(MILLION / 6)
      return { ...operation, durability: 2, kind: isOther ? kind : operation.kind }
    }),
    // Whoever is half cut off for good may be touched there for good.
    core: names.filter((name) => !gone.has(name)),
  }
}

/** What was lost is sent again, and may come seconds late: hardly ever longer than deletions are remembered. */
function promptly(network: PlannedNetwork): PlannedNetwork {
  return { ...network, lossPerMillion: 0, duplicatePerMillion: 0 }
}

/** Longer than anybody remembers a deletion; now and then of all at once, when nobody forgets any. */
function drawAbsences(dice: Dice, names: readonly string[]): Fault[] {
  return Array.from({ length: dice.between(1, ABSENCES_MAX) }, (_, index): Fault => {
    const own = dice.fork(`absence/${index}`)
    const at = 3_500 + own.below(5_000)
    const forMs = FORGOTTEN_AFTER_MS + own.below(5_000)
    const machines = own.chance(MILLION / 5) ? [...names] : [own.pick(names)]
    return own.chance(MILLION / 2)
      ? { kind: 'crash', at, forMs, machines, wipe: false }
      : { kind: 'restart', at, forMs, machines }
  })
}
