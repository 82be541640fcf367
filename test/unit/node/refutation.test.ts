// A peer that is suspected says that it lives: soon, and not with every change of somebody's mind.
import { expect, test } from 'vitest'
import { decodeHeartbeat, encodeHeartbeat } from '../../../node/membership/heartbeat.ts'
import { Membership } from '../../../node/membership/membership.ts'
import type { TopicHandler, PeerId, Transport } from '../../../transport/port.ts'
import { ManualClock } from '../../support/manual-clock.ts'

const [self, other] = ['self', 'other'] as [PeerId, PeerId]
const SHARDS = 8
const about = { boot: '01', name: '', zone: '', weight: 1, shardCount: SHARDS }

function start(clock: ManualClock) {
  let hear: TopicHandler = () => 'accept'
  const sent: { at: number; incarnation: number }[] = []
  const transport: Transport = {
    self,
    start: async () => {},
    stop: async () => {},
    addresses: () => [],
    async publish(_topic, bytes) {
      sent.push({ at: clock.monotonic(), incarnation: decodeHeartbeat(bytes, self, SHARDS, undefined).incarnation })
      return 1
    },
    subscribe(_topic, handler) {
      hear = handler
      return () => {}
    },
    request: () => new Promise(() => {}),
    handle: () => {},
    peers: () => [],
    learn: () => {},
    on: () => () => {},
  }
  const raise = (error: unknown) => {
    throw error
  }
  const membership = new Membership({
    ...about,
    transport,
    clock,
    replicationFactor: 3,
    heartbeatIntervalMs: 500,
    suspicionTimeoutMs: 600,
    load: () => ({ holdings: new Map(), sessions: 0 }),
    allowed: () => true,
    refuse: (reason, _origin, detail) => raise(new Error(`${reason}: ${detail}`)),
    onError: raise,
  })
  membership.start()
  let counter = 0
  const suspect = () => {
    const settings = { delegate: null, heir: null, draining: false, leaving: false }
    const rest = { incarnation: 0, factor: 3, addresses: [], holdings: new Map(), sessions: 0 }
    const bytes = encodeHeartbeat({
      ...about,
      ...settings,
      ...rest,
      peer: other,
      counter: ++counter,
      suspected: [self],
    })
    hear({ topic: 'members', from: other, bytes })
  }
  return { sent, suspect, stop: () => membership.stop() }
}

test('a suspicion is refuted within 50 ms', () => {
  const clock = new ManualClock()
  const { sent, suspect, stop } = start(clock)
  clock.advance(100)
  suspect()
  clock.advance(50)
  expect(sent.at(-1)).toEqual({ at: clock.monotonic(), incarnation: 1 })
  stop()
})

test('who is suspected all the time sends no more than twelve heartbeats a second, and refutes the last suspicion', () => {
  const clock = new ManualClock()
  const { sent, suspect, stop } = start(clock)
  for (let ms = 0; ms < 2_000; ms += 20) {
    suspect()
    clock.advance(20)
  }
  const before = sent.length
  expect(before).toBeGreaterThan(2 * 8)
  expect(before).toBeLessThanOrEqual(2 * 12)
  suspect()
  clock.advance(200)
  expect(sent.slice(before).some(({ at }) => at >= 2_000)).toBe(true)
  stop()
})
