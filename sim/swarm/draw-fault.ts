// One fault, drawn: when, where, how long and how hard.
import type { Fault, FaultKind } from '../plan/fault.ts'
import type { PlannedMachine } from '../plan/plan.ts'
import type { Dice } from '../world/dice.ts'

/**
 * What a seed has on or off. Most are one fault of that kind; some are a pattern of several. `wipe` and `rot` take what was
 * promised: the checkers know what is owed then.
 */
export const FEATURES = [
  'partition',
  'block',
  'flap',
  'swizzle',
  'clog',
  'degrade',
  'reset',
  'cut-requests',
  'crash',
  'wipe',
  'restart',
  'rolling-restart',
  'zone-outage',
  'full-outage',
  'join',
  'leave',
  'twin',
  'freeze',
  'slow',
  'slow-disk',
  'full-disk',
  'read-errors',
  'rot',
  'skew',
  'clock-jump',
  'clock-drift',
] as const

export type Feature = (typeof FEATURES)[number]

export function drawFeature(
  feature: Feature,
  dice: Dice,
  machines: readonly PlannedMachine[],
  chaosMs: number,
): readonly Fault[] {
  const names = machines.map(({ name }) => name)
  const fault = (kind: FaultKind) => drawFault(kind, dice, names, chaosMs)
  switch (feature) {
    case 'wipe':
      return [{ ...crashOf(fault('crash'), [dice.pick(names)]), wipe: true }]
    case 'full-outage':
      // Short: a mesh that is down all the time has shown nothing.
      return [{ ...crashOf(fault('crash'), names), forMs: dice.pick([100, 800]) }]
    case 'zone-outage': {
      const { zone } = dice.pick(machines)
      const inside = machines.filter((machine) => machine.zone === zone).map(({ name }) => name)
      return [crashOf(fault('crash'), inside)]
    }
    case 'rolling-restart': {
      const first = crashOf(fault('crash'), names)
      const everyMs = dice.pick([100, 500, 1_500])
      const forMs = dice.pick([100, 800])
      return dice.shuffle(names).map((name, index): Fault => {
        return { kind: 'restart', at: first.at + index * everyMs, forMs, machines: [name] }
      })
    }
    case 'skew':
      return [{ kind: 'clock-jump', at: 0, machine: dice.pick(names), byMs: dice.pick([-86_400_000, -900, 5_000]) }]
    default:
      return [fault(feature)]
  }
}

function crashOf(fault: Fault, machines: readonly string[]): Extract<Fault, { kind: 'crash' }> {
  const forMs = 'forMs' in fault ? fault.forMs : 0
  return { kind: 'crash', at: fault.at, forMs, machines, wipe: false }
}

function drawFault(kind: FaultKind, dice: Dice, names: readonly string[], chaosMs: number): Fault {
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
    case 'clog':
    case 'hand-over': {
      const [from = machine, to = machine] = dice.shuffle(names)
      return { kind, ...timed, from, to }
    }
    case 'degrade':
      return { kind, ...timed, ...drawDegradation(dice, names) }
    case 'reset':
      return { kind, at, between: drawPair(dice, names) }
    case 'cut-requests':
      return { kind, ...timed, between: drawPair(dice, names) }
    case 'crash':
      return { kind, ...timed, machines: drawVictims(dice, names), wipe: false }
    case 'restart':
      return { kind, ...timed, machines: drawVictims(dice, names) }
    case 'freeze':
    case 'twin':
    case 'drain':
      return { kind, ...timed, machine }
    case 'slow':
      return { kind, ...timed, machine, byMs: dice.pick([1, 10, 60, 300]) }
    case 'join':
    case 'leave':
      return { kind, at, machine }
    case 'slow-disk':
      return { kind, ...timed, machine, factor: dice.pick([10, 100]) }
    case 'full-disk':
    case 'read-errors':
      return { kind, ...timed, machine }
    case 'rot':
    case 'snapshot':
      return { kind, at, machine }
    case 'restore':
      return { kind, at, machine, back: 0 }
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

function drawDegradation(
  dice: Dice,
  names: readonly string[],
): Omit<Extract<Fault, { kind: 'degrade' }>, 'kind' | 'at' | 'forMs'> {
  const latencyMs = dice.pick([1, 20, 150, 600])
  const lossPerMillion = dice.pick([0, 100_000, 500_000])
  const duplicatePerMillion = dice.pick([0, 300_000])
  const bytesPerMs = dice.pick([0, 50, 1_000])
  const machines = dice.shuffle(names).slice(0, dice.between(2, names.length)).toSorted()
  return { machines, latencyMs, lossPerMillion, duplicatePerMillion, bytesPerMs }
}

function drawPair(dice: Dice, names: readonly string[]): [string, string] {
  const [one = '', other = ''] = dice.shuffle(names)
  return [one, other]
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
