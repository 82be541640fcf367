// From a seed to a plan. Each seed first draws which kinds of faults are on at all and how hard (swarm testing: Groce et
// al., ISSTA 2012: leaving features out finds more, because some faults hide what others would show), then the schedule.
import type { Durability } from '../../node/api.ts'
import type { Fault } from '../plan/fault.ts'
import { machineName } from '../plan/names.ts'
import type { Operation, Plan, PlannedClient, PlannedMachine, PlannedNetwork } from '../plan/plan.ts'
import { Dice, MILLION } from '../world/dice.ts'
import { drawFeature, FEATURES } from './draw-fault.ts'
import { withBackup } from './draw-backup.ts'
import { withHandovers } from './draw-handover.ts'
import { chaosOf, drawLife, withLife } from './draw-life.ts'

const ZONES = ['', 'east', 'west']
const KEYS = ['k0', 'k1', 'k2']

/** Sizes of what a swarm draws; small documents and many seeds find more than the reverse. */
export interface SwarmSize {
  readonly peersMin: number
  readonly peersMax: number
  readonly sessionsMax: number
  readonly operationsMax: number
  readonly faultsMax: number
  readonly chaosMs: number
  readonly settleMs: number
}

export const SWARM_SIZE: SwarmSize = {
  peersMin: 3,
  peersMax: 9,
  sessionsMax: 6,
  operationsMax: 80,
  faultsMax: 10,
  chaosMs: 10_000,
  settleMs: 40_000,
}

export function drawPlan(seed: number, size: SwarmSize = SWARM_SIZE): Plan {
  const dice = new Dice(`plan/${seed}`)
  return withHandovers(drawMortal(seed, dice, size), dice.fork('handovers'))
}

function drawMortal(seed: number, dice: Dice, size: SwarmSize): Plan {
  const life = drawLife(dice.fork('life'))
  if (life === undefined) return withBackup(drawUsual(seed, dice, size), dice.fork('backup'))
  return withLife(drawUsual(seed, dice, { ...size, chaosMs: chaosOf(life) }), life, dice.fork('lives'))
}

/** Sessions live for ever. */
function drawUsual(seed: number, dice: Dice, size: SwarmSize): Plan {
  const machines = drawMachines(dice.fork('machines'), size)
  const names = machines.map(({ name }) => name)
  const faults = drawFaults(dice.fork('faults'), machines, size)
  return {
    name: `swarm-${seed}`,
    seed: String(seed),
    machines,
    network: drawNetwork(dice.fork('network')),
    disk: drawDisk(dice.fork('disk')),
    peer: drawPeer(dice.fork('peer')),
    faults,
    clients: drawClients(dice.fork('clients'), names),
    operations: drawOperations(dice.fork('operations'), names, size),
    chaosMs: size.chaosMs,
    settleMs: size.settleMs,
    core: drawCore(dice.fork('core'), staying(names, faults)),
  }
}

function drawMachines(dice: Dice, size: SwarmSize): PlannedMachine[] {
  const count = dice.between(size.peersMin, size.peersMax)
  const zones = dice.pick([ZONES.slice(0, 1), ZONES.slice(0, 2), ZONES])
  return Array.from({ length: count }, (_, index) => {
    return { name: machineName(index), zone: dice.pick(zones), weight: dice.pick([1, 1, 1, 2]) }
  })
}

function drawNetwork(dice: Dice): PlannedNetwork {
  return {
    latencyMinMs: dice.pick([0.2, 1, 5, 20]),
    latencyMeanMs: dice.pick([0.2, 2, 10, 40]),
    lossPerMillion: dice.pick([0, 0, 10_000, 100_000, 300_000]),
    duplicatePerMillion: dice.pick([0, 0, 10_000, 200_000]),
    bytesPerMs: dice.pick([0, 0, 0, 1_000]),
  }
}

function drawDisk(dice: Dice): Plan['disk'] {
  return { syncMeanMs: dice.pick([0.1, 1, 4, 20]), readMeanMs: dice.pick([0.05, 0.5, 5]) }
}

function drawPeer(dice: Dice): Plan['peer'] {
  return {
    shardCount: dice.pick([1, 4, 8]),
    replicationFactor: dice.pick(['all', 2, 3, 3] as const),
    hydratedSessionsMax: dice.pick([0, 1, 100]),
    gossip: !dice.chance(MILLION / 10),
  }
}

function drawFaults(dice: Dice, machines: readonly PlannedMachine[], size: SwarmSize): Fault[] {
  // Each feature is on in this run, or not; those that are on share the schedule. Now and then nothing goes wrong at all,
  // or one thing alone: bounds in time can be judged only then.
  const isCalm = dice.fork('calm').chance(MILLION / 10)
  const alone = dice.fork('alone')
  const features = alone.chance(MILLION / 4)
    ? [alone.pick(FEATURES)]
    : FEATURES.filter((feature) => dice.fork(`on/${feature}`).chance(MILLION / 4))
  if (isCalm || features.length === 0) return []
  const count = dice.between(1, size.faultsMax)
  const faults = Array.from({ length: count }, (_, index) => {
    const own = dice.fork(`fault/${index}`)
    return drawFeature(own.pick(features), own, machines, size.chaosMs)
  })
  return onceEach(faults.flat(), Math.floor((machines.length - 1) / 2))
}

/** A machine joins or leaves once, and most stay. */
function onceEach(faults: readonly Fault[], leaversMax: number): Fault[] {
  const joined = new Set<string>()
  const left = new Set<string>()
  return faults.filter((fault) => {
    if (fault.kind !== 'join' && fault.kind !== 'leave') return true
    if (joined.has(fault.machine) || left.has(fault.machine)) return false
    if (fault.kind === 'leave' && left.size === leaversMax) return false
    ;(fault.kind === 'join' ? joined : left).add(fault.machine)
    return true
  })
}

/** Machines that have not left for good. */
function staying(names: readonly string[], faults: readonly Fault[]): string[] {
  return names.filter((name) => !faults.some((fault) => fault.kind === 'leave' && fault.machine === name))
}

/** In half of the runs some roam, with tokens. */
function drawClients(dice: Dice, names: readonly string[]): PlannedClient[] {
  const mayRoam = dice.chance(MILLION / 2)
  return names.map((machine) => {
    const client = { name: `client-${machine}`, machine }
    return mayRoam && dice.fork(machine).chance(MILLION / 2) ? { ...client, roams: true } : client
  })
}

function drawOperations(dice: Dice, names: readonly string[], size: SwarmSize): Operation[] {
  const sessions = Array.from({ length: dice.between(1, size.sessionsMax) }, (_, index) => `s${index}`)
  const clients = names.map((name) => `client-${name}`)
  const durabilities = dice.pick<readonly Durability[]>([
    [2],
    [2, 2, 'quorum'],
    [1, 2, 3, 'all'],
    ['memory', 'local', 2],
  ])
  const kinds = dice.pick<readonly Operation['kind'][]>([
    ['set', 'push', 'type', 'read'],
    ['set', 'set', 'unset', 'push', 'pull', 'type', 'erase', 'read'],
    ['push', 'pull', 'type', 'erase'],
    ['set', 'set', 'terminate', 'read', 'type', 'set', 'push'],
  ])
  // Evenly over time, or many at once: a client that has several to do does one right after the other.
  const grainMs = dice.pick([1, 1, 900])
  const start = 1_500
  const creates = sessions.map((session): Operation => {
    const tag = `create-${session}`
    const client = dice.fork(tag).pick(clients)
    return { at: start, tag, client, session, kind: 'create', key: 'created', durability: 2 }
  })
  const count = dice.between(10, size.operationsMax)
  const others = Array.from({ length: count }, (_, index): Operation => {
    const tag = `t${index}`
    const own = dice.fork(tag)
    return {
      at: start + Math.floor(own.below(size.chaosMs - start) / grainMs) * grainMs,
      tag,
      client: own.pick(clients),
      session: own.pick(sessions),
      kind: own.pick(kinds),
      key: own.pick(KEYS),
      durability: own.pick(durabilities),
    }
  })
  return [...creates, ...others].toSorted((one, other) => one.at - other.at)
}

/** Usually everyone is healed; now and then only a majority, and the rest stays as it is. */
function drawCore(dice: Dice, names: readonly string[]): string[] {
  if (!dice.chance(MILLION / 4)) return [...names]
  const size = dice.between(Math.floor(names.length / 2) + 1, names.length)
  return dice.shuffle(names).slice(0, size).toSorted()
}
