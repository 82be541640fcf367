// Swarms: the same whatever the number of workers, stopped where they should be, and added up right.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { drawPlan, simulate } from '../../../sim/index.ts'
import { swarm, type SwarmResult } from '../../../sim/swarm/swarm.ts'

vi.setConfig({ testTimeout: 120_000 })
/** Short runs: what is tried here is the swarm. */
const overrides = { peers: 3, sessions: 2, durationMs: 4_000 }
let directory: string
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'sessionmesh-swarm-'))
})
afterAll(() => rmSync(directory, { recursive: true }))

/** What does not depend on the clock of this machine. */
function timeless({ wallMs: _w, seedsPerSecond: _s, simulatedPerWall: _p, workers: _n, ...rest }: SwarmResult) {
  return rest
}

test('the number of workers changes nothing but the time it takes', async () => {
  const source = { overrides }
  const alone = await swarm({ source, from: 1, to: 6, workers: 1 })
  const together = await swarm({ source, from: 1, to: 6, workers: 2 })
  expect(alone).toMatchObject({ from: 1, to: 6, seeds: 6, stopped: null, workers: 1, violations: [] })
  expect(alone.ok + alone.vacuous).toBe(6)
  expect(together.workers).toBe(2)
  expect(timeless(together)).toEqual(timeless(alone))
})

test('a seed has the same trace in a worker and here', async () => {
  const here = await simulate(drawPlan(5))
  const there = await swarm({ source: {}, from: 5, to: 5 })
  expect(there).toMatchObject({ seeds: 1, simulatedMs: here.simulatedMs, events: here.eventCount })
  expect(there.faults).toEqual(here.faults)
})

/** Fails wherever the last number drawn is a zero. */
const FAILING = `
export default {
  peers: 2, sessions: 1, duration: '3s',
  workload: { every: '1s', operations: { note(doc, { dice }) { doc.getMap('data').set('drawn', dice.below(4)) } } },
  check(docs) { for (const doc of docs.values()) if (doc.getMap('data').get('drawn') === 0) throw new Error('a zero') },
}`

test('it stops at so many failing seeds, the same ones for any number of workers', async () => {
  const file = join(directory, 'failing.ts')
  writeFileSync(file, FAILING)
  const options = { source: { scenario: file }, from: 1, to: 40, failuresMax: 2 }
  const alone = await swarm({ ...options, workers: 1 })
  const together = await swarm({ ...options, workers: 2 })
  expect(alone).toMatchObject({ stopped: 'failures', violated: 2 })
  expect(alone.violations.map(({ checker, message }) => [checker, message.split('\n')[0]])).toEqual([
    ['check', 'Error: a zero'],
    ['check', 'Error: a zero'],
  ])
  expect(alone.to).toBe(alone.violations.at(-1)?.seed)
  expect(timeless(together)).toEqual(timeless(alone))
})

test('what keeps workers from starting is thrown', async () => {
  await expect(swarm({ source: { scenario: './nowhere.yaml' }, from: 1, to: 2 })).rejects.toThrow(/can't read/)
})

test('it stops when told, and says how far it came', async () => {
  const stop = new AbortController()
  const onProgress = () => stop.abort()
  const result = await swarm({
    source: { overrides },
    from: 1,
    to: 1_000_000,
    workers: 1,
    signal: stop.signal,
    onProgress,
  })
  expect(result).toMatchObject({ stopped: 'interrupted', from: 1 })
  expect(result.to).toBe(result.seeds)
  expect(result.seeds).toBeLessThan(1_000)
})
