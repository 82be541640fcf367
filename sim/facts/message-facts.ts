// What happened to what peers sent each other.
import type { Micros } from '../world/loop.ts'
import type { FactKind } from './fact.ts'

const SHARD_TOPIC = /^shard\//
const EXCHANGE: ReadonlySet<string> = new Set(['tree', 'pull', 'push'])

/** Where and when a frame was published. */
interface Sent {
  readonly at: Micros
  readonly machine: string
  readonly incarnation: number
}

export const MESSAGE_FACTS: readonly FactKind[] = [
  frame('a frame arrived at a process younger than it', ({ at }, startedAt) => startedAt > at),
  frame('a frame arrived from a process that had ended', ({ incarnation }, _startedAt, now) => incarnation !== now),
  {
    name: 'a frame arrived twice at one process',
    watch: ({ world }, hit) => {
      const heard = new Set<string>()
      return {
        onEvent({ kind, machine, detail, number }) {
          if (kind !== 'heard' || !SHARD_TOPIC.test(detail)) return
          const key = `${machine}/${world.machine(machine).incarnation} ${number}`
          if (heard.has(key)) hit()
          heard.add(key)
        },
      }
    },
  },
  {
    name: 'an exchange was cut half way',
    watch: (_scene, hit) => {
      const open = new Map<string, number>()
      const count = (key: string, by: number) => open.set(key, Math.max(0, (open.get(key) ?? 0) + by))
      return {
        onEvent({ kind, machine, subject, detail }) {
          if (kind === 'request' && EXCHANGE.has(detail)) count(`${machine} ${subject}`, 1)
          else if (kind === 'response' && EXCHANGE.has(detail)) count(`${subject} ${machine}`, -1)
          else if (kind === 'disconnect') {
            const keys = [`${machine} ${subject}`, `${subject} ${machine}`]
            if (keys.some((key) => (open.get(key) ?? 0) > 0)) hit()
            for (const key of keys) open.delete(key)
          }
        },
      }
    },
  },
  {
    name: 'links carried one way only',
    watch: (_scene, hit) => ({
      onEvent: ({ kind, subject }) => void (kind === 'fault' && subject === 'block' && hit()),
    }),
  },
  {
    name: 'an update was parked until its dependency came',
    watch: ({ world }, hit) => {
      let parking = new Set<string>()
      return {
        onTick() {
          const now = [...world.machines.values()].filter(({ peer }) => (peer?.replication.status().parked ?? 0) > 0)
          for (const { name } of now) if (!parking.has(name)) hit()
          parking = new Set(now.map(({ name }) => name))
        },
      }
    },
  },
]

/** A frame arrives that fits: its publishing, the start of the receiver, the incarnation of its origin now. */
function frame(name: string, fits: (sent: Sent, startedAt: Micros, originNow: number) => boolean): FactKind {
  return {
    name,
    watch: ({ world }, hit) => {
      const sent = new Map<number, Sent>()
      const startedAt = new Map<string, Micros>()
      return {
        onEvent({ at, kind, machine, subject, detail, number }) {
          if (kind === 'start') startedAt.set(machine, at)
          if (!SHARD_TOPIC.test(detail)) return
          if (kind === 'gossip') sent.set(number, { at, machine, incarnation: world.machine(machine).incarnation })
          if (kind !== 'heard') return
          const origin = sent.get(number)
          const { isRunning, incarnation } = world.machine(subject)
          if (origin !== undefined && fits(origin, startedAt.get(machine) ?? 0, isRunning ? incarnation : 0)) hit()
        },
      }
    },
  }
}
