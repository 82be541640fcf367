// Failover can be no quicker than the notice: a process that dies is known to be dead within half a second, one that
// hangs within two, where nothing else is wrong.
import type { Fault } from '../plan/fault.ts'
import { MS, SECOND, type Micros } from '../world/loop.ts'
import type { CheckerKind, Report, Scene } from './checker.ts'
import { LOSS_MAX_PER_MILLION } from './false-death.ts'
import { isCalm } from './trouble.ts'

const CRASH_SEEN: Micros = 500 * MS
const FREEZE_SEEN: Micros = 2 * SECOND
/** A refused connection is asked for twice, there and back, and gossip makes some hops. */
const WAYS = 8

export const detection: CheckerKind = {
  name: 'detection',
  promise:
    'Where the network is well, a crash is known within 0.5 s and a freeze within 2 s, and the trips these take.',
  violatedWhen: 'a peer that is well still counts a crashed or frozen one as alive after that time',
  make: (scene, report) => {
    const { plan, world } = scene
    if (plan.network.lossPerMillion > LOSS_MAX_PER_MILLION) return {}
    const trips = WAYS * (plan.network.latencyMinMs + 3 * plan.network.latencyMeanMs) * MS
    /** When each machine was last stopped, or went on. */
    const turns = new Map<string, Micros>()
    return {
      onEvent({ at, kind, machine }) {
        if (kind === 'crash' || kind === 'freeze' || kind === 'thaw') turns.set(machine, at)
        if (kind !== 'crash' && kind !== 'freeze') return
        const within = trips + (kind === 'crash' ? CRASH_SEEN : FREEZE_SEEN)
        const witnesses = aliveFor(scene, machine)
        const { incarnation } = world.machine(machine)
        world.loop.schedule(at + within, () => {
          const { isFrozen, isRunning, incarnation: now } = world.machine(machine)
          // Frozen anew is another freeze.
          const isStillSo = turns.get(machine) === at && (kind === 'freeze' ? isFrozen : !isRunning)
          if (!isStillSo || now !== incarnation || !isCalm(scene, at, at + within, isOf(machine))) return
          ask(scene, machine, witnesses, `${within / MS} ms after its ${kind}`, report)
        })
      },
    }
  },
}

/** Machines whose peers count the machine's as alive now, with their incarnations. */
function aliveFor({ world }: Scene, machine: string): Map<string, number> {
  const witnesses = new Map<string, number>()
  for (const { name, peer, incarnation } of world.serving()) {
    const isSeen = peer?.members().some((member) => member.name === machine && member.status === 'alive') ?? false
    if (name !== machine && isSeen) witnesses.set(name, incarnation)
  }
  return witnesses
}

function ask(
  { world }: Scene,
  gone: string,
  witnesses: ReadonlyMap<string, number>,
  when: string,
  report: Report,
): void {
  for (const { name, peer, incarnation } of world.serving()) {
    if (witnesses.get(name) !== incarnation) continue
    const member = peer?.members().find((one) => one.name === gone && one.status !== 'dead' && one.status !== 'left')
    if (member !== undefined) report(`${name} takes ${gone} for ${member.status} ${when}`, [name, gone])
  }
}

/** The fault that it is about; that other machines go down at the same time changes nothing. */
function isOf(machine: string): (fault: Fault) => boolean {
  return (fault) => {
    if (fault.kind === 'freeze') return fault.machine === machine
    return (fault.kind === 'crash' || fault.kind === 'restart') && fault.machines.includes(machine)
  }
}
