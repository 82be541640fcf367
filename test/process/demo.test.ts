// The demos are what a newcomer runs first; here they run again and again, the kill at another random moment each time.
import { expect, test } from 'vitest'
import { demoFailover } from '../../node/demo/failover.ts'
import { demoOutage } from '../../node/demo/outage.ts'
import { createShow } from '../../node/demo/show.ts'
import { demoStress } from '../../node/demo/stress.ts'

const RUNS = 3

test.each(Array.from({ length: RUNS }, (_, run) => run + 1))('demo failover, run %i: nothing is lost', async () => {
  const report = await demoFailover({ sessions: 100 }, createShow(true))
  expect(report).toMatchObject({
    sessionsBefore: 100,
    sessionsAfter: 100,
    lostAcknowledgedWrites: 0,
    contentEqual: true,
  })
  expect(report.failoverMs).toBeLessThan(2_000)
  expect(report.nextWriteMs).toBeLessThan(2_000)
  expect(report.acknowledgedWrites).toBeGreaterThan(100)
})

test.each([false, true])('demo stress, small, kill: %s: nothing is lost', async (kill) => {
  const report = await demoStress({ sessions: 500, rounds: 3, kill }, createShow(true))
  expect(report).toMatchObject({
    sessionsBefore: 500,
    sessionsAfter: 500,
    lostAcknowledgedWrites: 0,
    contentEqual: true,
  })
  expect(report.failoverMs).toHaveLength(3)
})

test('demo outage, small: all peers killed at once, twice, and nothing is lost', async () => {
  const report = await demoOutage({ sessions: 200, rounds: 2 }, createShow(true))
  expect(report).toMatchObject({
    sessionsBefore: 220,
    sessionsAfter: 220,
    lostAcknowledgedWrites: 0,
    contentEqual: true,
  })
  expect(report.firstCriticalMs).toHaveLength(2)
  expect(report.acknowledgedWrites).toBeGreaterThan(220)
})
