// One fault, drawn: when, where, how long and how hard.
import type { Fault, FaultKind } from '../plan/fault.ts'
import type { Dice } from '../world/dice.ts'

/** What swarms draw from. `wipe` and `rot` take content that was promised; the checkers know what is owed then. */
export const FAULT_KINDS: readonly FaultKind[] = [
  'partition',
  'block',
  'flap',
  'swizzle',
  'clog',
  'degrade',
  'reset',
  'crash',
  'restart',
  'freeze',
  'slow',
  'slow-disk',
  'clock-jump',
  'clock-drift',
]

export function drawFault(kind: FaultKind, dice: Dice, names: readonly string[], chaosMs: number): Fault {
  const at = 1_500 + dice.below(Math.max(1, chaosMs - 2_000))
  const forMs = dice.pick([200, 1_000, 3_000, 8_000, 15_000]) + dice.below(500)
  const machine = dice.pick(names)
  const timed = { at, forMs }
  switch (kind) {
    case 'partition':
      return { kind, ...timed, groups: drawGroups(dice, names) }
    case 'flap':
      return { kind, ...timed, groups: drawGroups(dice, names), everyMs: dice.pick([100, 400, 1_500]) }
    case 'block':
      return { kind, ...timed, ...drawDirection(dice, names) }
    case 'swizzle':
      return { kind, ...timed, machine }
    case 'clog': {
      const [from = machine, to = machine] = dice.shuffle(names)
      return { kind, ...timed, from, to }
    }
    case 'degrade': {
      const harm = {
        latencyMs: dice.pick([1, 20, 150, 600]),
        lossPerMillion: dice.pick([0, 100_000, 500_000]),
        duplicatePerMillion: dice.pick([0, 300_000]),
        bytesPerMs: dice.pick([0, 50, 1_000]),
      }
      return {
        kind,
        ...timed,
        machines: dice.shuffle(names).slice(0, dice.between(2, names.length)).toSorted(),
        ...harm,
      }
    }
    case 'reset': {
      const [one = machine, other = machine] = dice.shuffle(names)
      return { kind, at, between: [one, other] }
    }
    case 'crash':
      return { kind, ...timed, machines: drawVictims(dice, names), wipe: false }
    case 'restart':
      return { kind, ...timed, machines: drawVictims(dice, names) }
    case 'freeze':
      return { kind, ...timed, machine }
    case 'slow':
      return { kind, ...timed, machine, byMs: dice.pick([1, 10, 60]) }
    case 'join':
      return { kind, at, machine }
    case 'slow-disk':
      return { kind, ...timed, machine, factor: dice.pick([10, 100]) }
    case 'full-disk':
    case 'read-errors':
      return { kind, ...timed, machine }
    case 'rot':
      return { kind, at, machine }
    case 'clock-jump':
      return { kind, at, machine, byMs: dice.pick([-3_600_000, -2_000, 500, 86_400_000]) }
    case 'clock-drift':
      return { kind, at, machine, partsPerMillion: dice.pick([-50_000, -500, 500, 50_000]) }
  }
}

/** Halves, one alone, all apart, a bridge that sees both sides, or a ring of overlapping views. */
function drawGroups(dice: Dice, names: readonly string[]): string[][] {
  const order = dice.shuffle(names)
  const cut = dice.between(1, order.length - 1)
  switch (dice.below(5)) {
    case 0:
      return [order.slice(0, Math.ceil(order.length / 2)), order.slice(Math.ceil(order.length / 2))]
    case 1:
      return [order.slice(0, 1), order.slice(1)]
    case 2:
      return order.map((name) => [name])
    case 3:
      return [order.slice(0, cut), order.slice(Math.max(0, cut - 1))]
    default:
      return order.map((name, index) => [name, order[(index + 1) % order.length] ?? name])
  }
}

function drawDirection(dice: Dice, names: readonly string[]): { from: string[]; to: string[] } {
  const order = dice.shuffle(names)
  const cut = dice.between(1, order.length - 1)
  return { from: order.slice(0, cut), to: order.slice(cut) }
}

/** One machine mostly; now and then several, or all. */
function drawVictims(dice: Dice, names: readonly string[]): string[] {
  const count = dice.pick([1, 1, 1, 2, names.length])
  return dice.shuffle(names).slice(0, count).toSorted()
}
