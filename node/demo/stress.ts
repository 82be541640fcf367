// `demo stress`: many sessions, round after round of failover to a second peer and failback, under write load; with
// `kill`, the first peer is killed with SIGKILL in every round and restarted with its data.
import { systemClock } from '../ports/clock.ts'
import { delay } from '../util/timers.ts'
import { createSessions } from './create-sessions.ts'
import { Ledger } from './ledger.ts'
import { WriteLoad } from './load.ts'
import { ProcessMesh, type PeerProcess } from './processes.ts'
import type { Show } from './show.ts'
import { contentEqual, homesLeft, homesReturned, meshFormed } from './waits.ts'

const WRITERS = 8
/** Time to write between the moves of a round, ms. */
const BETWEEN_MS = 200

export interface StressOptions {
  readonly sessions: number
  readonly rounds: number
  readonly kill: boolean
}

export interface StressReport {
  readonly sessionsBefore: number
  readonly sessionsAfter: number
  readonly rounds: number
  readonly kill: boolean
  readonly acknowledgedWrites: number
  readonly lostAcknowledgedWrites: number
  readonly contentEqual: boolean
  /** Per round: until the other peers are home of everything. */
  readonly failoverMs: readonly number[]
  /** Per round: until the first peer is home of its own again. */
  readonly failbackMs: readonly number[]
  readonly roundTripsPerSecond: number
}

export async function demoStress(options: StressOptions, show: Show): Promise<StressReport> {
  const mesh = new ProcessMesh()
  try {
    return await run(mesh, options, show)
  } finally {
    await mesh.close()
  }
}

async function run(mesh: ProcessMesh, options: StressOptions, show: Show): Promise<StressReport> {
  show.step('starting three peers')
  let first = await mesh.start('a')
  const others = [await mesh.start('b'), await mesh.start('c')] as const
  await meshFormed([first, ...others])
  const ledger = new Ledger()
  const creating = show.bar('creating sessions', options.sessions)
  const sessions = await createSessions(first.client, ledger, options.sessions, creating.tick)
  creating.done()
  const before = (await first.client.get('/v1/sessions/count')) as { count: number }

  let target: PeerProcess = first
  const load = new WriteLoad({ ledger, sessions, writers: WRITERS, target: () => target.client })
  const startedAt = systemClock.monotonic()
  const failoverMs: number[] = []
  const failbackMs: number[] = []
  const rounds = show.bar('rounds', options.rounds)
  for (let round = 0; round < options.rounds; round++) {
    await delay(systemClock, BETWEEN_MS)
    failoverMs.push(
      await timed(async () => {
        if (options.kill) mesh.kill(first.name)
        else await first.client.call('POST', '/v1/failover', { action: 'execute', to: others[0].name })
        target = others[0]
        await homesLeft(options.kill ? others : [first, ...others], first.peer)
      }),
    )
    await delay(systemClock, BETWEEN_MS)
    failbackMs.push(
      await timed(async () => {
        if (options.kill) first = await mesh.start(first.name)
        else await first.client.call('POST', '/v1/failover', { action: 'failback' })
        await homesReturned([first, ...others], first.peer)
      }),
    )
    target = first
    rounds.tick()
  }
  rounds.done()
  const elapsedMs = systemClock.monotonic() - startedAt
  await load.stop()
  show.step('comparing all peers with what was acknowledged')
  await contentEqual([first, ...others])
  const checks = await Promise.all([first, ...others].map((peer) => ledger.check(peer.client)))
  const expected = ledger.hash()
  return {
    sessionsBefore: before.count,
    sessionsAfter: Math.min(...checks.map((check) => check.sessions)),
    rounds: options.rounds,
    kill: options.kill,
    acknowledgedWrites: ledger.writes,
    lostAcknowledgedWrites: Math.max(...checks.map((check) => check.lost)),
    contentEqual: checks.every((check) => check.hash === expected),
    failoverMs: failoverMs.map(Math.round),
    failbackMs: failbackMs.map(Math.round),
    roundTripsPerSecond: Math.round((options.rounds / elapsedMs) * 1e5) / 100,
  }
}

async function timed(task: () => Promise<void>): Promise<number> {
  const start = systemClock.monotonic()
  await task()
  return systemClock.monotonic() - start
}
