// Once all are equal and nobody writes, peers only tell each other that they live.
import { SECOND, type Micros } from '../world/loop.ts'
import type { TraceEvent } from '../world/trace.ts'
import type { World } from '../world/world.ts'
import type { CheckerKind } from './checker.ts'
import type { EndScene } from './end-scene.ts'
import { LOSS_MAX_PER_MILLION } from './false-death.ts'

/** Silence of this length is silence: exchanges that never end come every `syncIntervalMs` (1 s) at the latest. */
export const QUIET: Micros = 2.5 * SECOND
/** What is still under way when all have become equal (acknowledgements, lost streams, digests) is over by then, unless
 * the network loses so much that a single exchange may take as long. */
export const QUIET_WITHIN: Micros = 20 * SECOND

/** What goes on for ever: heartbeats by gossip, and pings. */
const MEMBERS_TOPIC = 'members'
const PING = 'ping'
/** Heartbeats a second and peer: two by default, and room for those that answer a suspicion, where many are lost. */
const HEARTBEATS_MAX = 8
/** With others about who are half cut off: to be taken for dead by some, and to see some flap, must be told. */
const HEARTBEATS_MAX_BROKEN = 12

export const quiescence: CheckerKind = {
  name: 'quiescence',
  promise: 'A mesh that is equal and idle exchanges nothing but heartbeats and pings.',
  violatedWhen:
    'exchanges, acknowledgements or frames go on although all are equal and nobody writes, or heartbeats swarm',
  make: (scene, report) => {
    const beats = new Map<string, number>()
    const chatters = new Map<string, number>()
    let isIdle = false
    return {
      onEvent(event) {
        if (event.kind === 'phase') isIdle = event.subject === 'converged'
        if (!isIdle) return
        const counts = isChatter(event) ? chatters : isHeartbeat(event) ? beats : undefined
        counts?.set(event.machine, (counts.get(event.machine) ?? 0) + 1)
      },
      atEnd({ isConverged, idleFor, isQuiet }) {
        if (!isConverged) return
        const isHeard = scene.plan.network.lossPerMillion <= LOSS_MAX_PER_MILLION
        if (isWhole(scene) && isHeard && !isQuiet) {
          const who = [...chatters].map(([machine, count]) => `${machine} ${count} times`).join(', ')
          report(`${who} in ${idleFor / SECOND} s although all are equal and idle`, scene.plan.core)
        }
        for (const [machine, count] of beats) {
          // Two processes under one key are two peers that send heartbeats, though others take them for one.
          const processes = scene.world.machine(machine).hasTwin ? 2 : 1
          const perSecond = Math.round((count * SECOND) / idleFor / processes)
          const most = isWhole(scene) ? HEARTBEATS_MAX : HEARTBEATS_MAX_BROKEN
          if (perSecond > most) report(`${machine} sends ${perSecond} heartbeats a second`, [machine])
        }
      },
    }
  },
}

/** Machines that are not healed may go on bringing news to the core, or asking it in vain. */
export function isWhole({ plan, world }: EndScene): boolean {
  return plan.machines.every(({ name }) => plan.core.includes(name) || !world.machine(name).isRunning)
}

/** Remembers when peers last had something to say to each other. */
export class Silence {
  #last: Micros = 0

  constructor({ trace }: World) {
    trace.onEvent((event) => {
      if (isChatter(event)) this.#last = event.at
    })
  }

  /** When anything but heartbeats and pings was last sent. */
  get since(): Micros {
    return this.#last
  }
}

function isHeartbeat({ kind, detail }: TraceEvent): boolean {
  return kind === 'gossip' && detail === MEMBERS_TOPIC
}

function isChatter({ kind, detail }: TraceEvent): boolean {
  return (kind === 'gossip' && detail !== MEMBERS_TOPIC) || (kind === 'request' && detail !== PING)
}
