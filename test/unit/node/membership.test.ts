// The member table and its failure detector: who is taken for dead, when, and what refutes it.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { PhiEstimator } from '../../../node/membership/phi.ts'
import { PHI_SUSPECT, View, type HeartbeatInfo } from '../../../node/membership/view.ts'
import type { PeerId } from '../../../transport/port.ts'

const beat = (change: Partial<HeartbeatInfo> = {}): HeartbeatInfo => ({
  peer: 'p' as PeerId,
  boot: '01',
  counter: 1,
  incarnation: 0,
  name: 'p',
  zone: '',
  weight: 1,
  draining: false,
  delegate: null,
  heir: null,
  leaving: false,
  addresses: [],
  shardCount: 8,
  factor: 3,
  holdings: new Map(),
  sessions: 0,
  suspected: [],
  ...change,
})
const newView = () => new View({ heartbeatIntervalMs: 500, suspicionTimeoutMs: 600 })
const statusOf = (view: View) => view.records.get('p' as PeerId)?.status

test('heartbeats at up to twice their jitter never make a member suspect', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 100, max: 1_000 }), { minLength: 1, maxLength: 100 }), (intervals) => {
      const view = newView()
      let now = 0
      view.heard(beat(), now)
      for (const [i, interval] of intervals.entries()) {
        for (const end = now + interval; now < end; now += 50) expect(view.tick(now)).toEqual([])
        view.heard(beat({ counter: i + 2 }), now)
      }
    }),
  )
})

test('a member that falls silent is declared dead within two seconds', () => {
  const view = newView()
  let now = 0
  for (let i = 1; i <= 20; i++) view.heard(beat({ counter: i }), (now = i * 500))
  const silentSince = now
  while (statusOf(view) !== 'dead') view.tick((now += 50))
  expect(now - silentSince).toBeLessThan(2_000)
})

test('only something newer refutes a death: a replayed heartbeat does not', () => {
  const view = newView()
  view.heard(beat({ counter: 5 }), 0)
  view.suspect('p' as PeerId, 1, 'test')
  view.bury('p' as PeerId, 'test')
  expect(view.heard(beat({ counter: 5 }), 2)).toBeUndefined()
  expect(view.heard(beat({ counter: 4 }), 2)).toBeUndefined()
  expect(statusOf(view)).toBe('dead')
  expect(view.heard(beat({ counter: 6 }), 3)?.change).toMatchObject({ from: 'dead', to: 'alive', rebooted: false })
})

test('a new boot is a new process, an older one is a ghost', () => {
  const view = newView()
  view.heard(beat({ boot: '02', counter: 9 }), 0)
  expect(view.heard(beat({ boot: '01', counter: 99 }), 1)).toBeUndefined()
  expect(view.heard(beat({ boot: '03', counter: 1 }), 2)?.change).toMatchObject({ to: 'alive', rebooted: true })
})

test('a pause of this process is forgiven to the others', () => {
  const view = newView()
  view.heard(beat(), 0)
  view.forgive(10_000)
  expect(view.tick(10_400)).toEqual([])
})

test('phi grows with silence, and a jittery past makes it patient', () => {
  const calm = new PhiEstimator(500)
  const jittery = new PhiEstimator(500)
  for (let i = 0; i < 50; i++) {
    calm.record(500)
    jittery.record(i % 2 === 0 ? 100 : 1_400)
  }
  expect(calm.phi(500)).toBeLessThan(1)
  expect(calm.phi(1_200)).toBeGreaterThan(PHI_SUSPECT)
  expect(jittery.phi(1_200)).toBeLessThan(PHI_SUSPECT)
  expect(Number.isFinite(calm.phi(1e9))).toBe(true)
})
