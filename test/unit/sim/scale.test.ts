// Measuring at scale: the numbers are those of the world, the same each time, and in the range that they must be in.
import { expect, test } from 'vitest'
import { inMacrotask } from '../../../sim/run/in-macrotask.ts'
import { measureScale, type ScaleOptions } from '../../../sim/scale/measure.ts'
import { plotScale } from '../../../sim/scale/plot.ts'

const SETTINGS = { seed: '1', heartbeatIntervalMs: 500, suspicionTimeoutMs: 600, shardCount: 8, sessions: 4 }
const measured = (options: Partial<ScaleOptions>) =>
  inMacrotask(() => measureScale({ ...SETTINGS, peers: 4, ...options }))

test('an idle mesh hears every heartbeat, calls nobody dead, sees a death, and is equal after a split', async () => {
  const result = await measured({ peers: 4 })
  // Two heartbeats a second from each of three others, and a few more on the way round.
  expect(result.messagesPerSecond).toBeGreaterThanOrEqual(6)
  expect(result.messagesPerSecond).toBeLessThan(40)
  expect(result.falseDeaths).toBe(0)
  expect(result.detectedFirstMs).toBeGreaterThan(0)
  expect(result.detectedLastMs).toBeLessThan(2_000)
  expect(result.convergedMs).toBeGreaterThan(0)
  expect(result.repairBytes).toBeGreaterThan(0)
  expect(await measured({ peers: 4 })).toEqual(result)
})

test('fewer heartbeats, less load', async () => {
  const [often, seldom] = [
    await measured({}),
    await measured({ heartbeatIntervalMs: 2_000, suspicionTimeoutMs: 2_400 }),
  ]
  expect(seldom.messagesPerSecond).toBeLessThan(often.messagesPerSecond / 2)
})

test('the plot has a point for each size and leaves out what never happened', () => {
  const one = {
    peers: 5,
    heartbeatIntervalMs: 500,
    joinedMs: 200,
    messagesPerSecond: 12,
    bytesPerSecond: 5_000,
    falseDeaths: 0,
    detectedFirstMs: 80,
    detectedLastMs: null,
    convergedMs: 400,
    repairBytes: 9_000,
  }
  const svg = plotScale([one, { ...one, peers: 10 }])
  expect(svg.match(/<circle/g)).toHaveLength(6)
  expect(svg).not.toContain('NaN')
})
