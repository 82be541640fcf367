// `demo outage`: the day everything goes down. Three real processes under write load are killed with SIGKILL at the same
// moment and started again with their data, round after round; then every peer is asked for everything that had been
// acknowledged.
import { systemClock } from '../ports/clock.ts'
import { delay } from '../util/timers.ts'
import { createSessions } from './create-sessions.ts'
import { Ledger } from './ledger.ts'
import { WriteLoad } from './load.ts'
import { ProcessMesh, type PeerProcess } from './processes.ts'
import type { Show } from './show.ts'
import { contentEqual, meshFormed, waitFor } from './waits.ts'

const NAMES = ['a', 'b', 'c'] as const
const WRITERS = 8
/** Time to write before each outage, ms. */
const WRITE_MS = 1_000
const CRITICAL_SESSIONS = 20

export interface OutageOptions {
  readonly sessions: number
  readonly rounds: number
}

export interface OutageReport {
  readonly sessionsBefore: number
  readonly sessionsAfter: number
  readonly rounds: number
  readonly acknowledgedWrites: number
  readonly lostAcknowledgedWrites: number
  readonly contentEqual: boolean
  /** Per round, from starting the processes again until the first critical session was read as acknowledged. */
  readonly firstCriticalMs: readonly number[]
  /** … until all peers serve. */
  readonly servingMs: readonly number[]
  /** … until all peers hold equal documents again. */
  readonly recoveryMs: readonly number[]
  readonly sessionsPerSecond: number
}

export async function demoOutage(options: OutageOptions, show: Show): Promise<OutageReport> {
  const mesh = new ProcessMesh()
  try {
    return await run(mesh, options, show)
  } finally {
    await mesh.close()
  }
}

interface Round {
  readonly firstCriticalMs: number
  readonly servingMs: number
  readonly recoveryMs: number
  readonly checks: readonly { readonly sessions: number; readonly lost: number; readonly hash: string }[]
  /** Every peer has, key for key, what was acknowledged. */
  readonly equal: boolean
}

async function run(mesh: ProcessMesh, options: OutageOptions, show: Show): Promise<OutageReport> {
  show.step('starting three peers')
  let peers: readonly PeerProcess[] = await startAll(mesh)
  await meshFormed(peers)
  const ledger = new Ledger()
  const critical = await createCritical(first(peers), ledger)
  const creating = show.bar('creating sessions', options.sessions)
  const sessions = await createSessions(first(peers).client, ledger, options.sessions, creating.tick)
  creating.done()
  await contentEqual(peers)
  const before = ledger.sessions
  const rounds: Round[] = []
  const bar = show.bar('outages', options.rounds)
  for (let i = 0; i < options.rounds; i++) {
    await writeUntilKilled(mesh, peers, ledger, [...critical, ...sessions])
    const { peers: again, ...round } = await recover(mesh, ledger, critical)
    peers = again
    rounds.push(round)
    bar.tick()
    const { firstCriticalMs, servingMs, recoveryMs } = round
    show.step(
      `outage ${i + 1}: first critical session ${firstCriticalMs} ms, all serve ${servingMs} ms, all equal ${recoveryMs} ms`,
    )
  }
  bar.done()
  return report(options, before, ledger, rounds)
}

async function writeUntilKilled(
  mesh: ProcessMesh,
  peers: readonly PeerProcess[],
  ledger: Ledger,
  sessions: readonly string[],
): Promise<void> {
  let turn = 0
  const target = () => (peers[turn++ % peers.length] ?? first(peers)).client
  const load = new WriteLoad({ ledger, sessions, writers: WRITERS, target })
  await delay(systemClock, WRITE_MS)
  for (const name of NAMES) mesh.kill(name)
  await load.stop()
}

async function recover(
  mesh: ProcessMesh,
  ledger: Ledger,
  critical: readonly string[],
): Promise<Round & { peers: readonly PeerProcess[] }> {
  const startedAt = systemClock.monotonic()
  const elapsed = () => Math.round(systemClock.monotonic() - startedAt)
  const starting = NAMES.map((name) => mesh.start(name))
  const firstCritical = Promise.any(
    starting.map(async (peer) => {
      const { client } = await peer
      await waitFor('a critical session', async () => (await ledger.check(client, critical.slice(0, 1))).lost === 0)
      return elapsed()
    }),
  )
  const peers = await Promise.all(starting)
  const servingMs = elapsed()
  const firstCriticalMs = await firstCritical
  await meshFormed(peers)
  await contentEqual(peers)
  const recoveryMs = elapsed()
  const checks = await Promise.all(peers.map((peer) => ledger.check(peer.client)))
  // Taken now: the next round writes on.
  const expected = ledger.hash()
  return { firstCriticalMs, servingMs, recoveryMs, checks, equal: checks.every(({ hash }) => hash === expected), peers }
}

async function createCritical(peer: PeerProcess, ledger: Ledger): Promise<string[]> {
  const ids = Array.from({ length: CRITICAL_SESSIONS }, (_, i) => `critical-${i}`)
  for (const id of ids) {
    const data = { alarm: `unit ${id}` }
    await peer.client.call('POST', '/v1/sessions', { id, data, priority: 'critical' })
    ledger.acknowledge(id, data)
  }
  return ids
}

function report(options: OutageOptions, before: number, ledger: Ledger, rounds: readonly Round[]): OutageReport {
  const checks = rounds.flatMap((round) => round.checks)
  const totalMs = rounds.reduce((sum, round) => sum + round.recoveryMs, 0)
  return {
    sessionsBefore: before,
    sessionsAfter: Math.min(...checks.map((check) => check.sessions)),
    rounds: options.rounds,
    acknowledgedWrites: ledger.writes,
    lostAcknowledgedWrites: Math.max(...checks.map((check) => check.lost)),
    contentEqual: rounds.every((round) => round.equal),
    firstCriticalMs: rounds.map((round) => round.firstCriticalMs),
    servingMs: rounds.map((round) => round.servingMs),
    recoveryMs: rounds.map((round) => round.recoveryMs),
    sessionsPerSecond: Math.round((before * rounds.length * 1_000) / Math.max(1, totalMs)),
  }
}

function startAll(mesh: ProcessMesh): Promise<PeerProcess[]> {
  return NAMES.reduce<Promise<PeerProcess[]>>(
    async (before, name) => [...(await before), await mesh.start(name)],
    Promise.resolve([]),
  )
}

function first(peers: readonly PeerProcess[]): PeerProcess {
  const [peer] = peers
  if (peer === undefined) throw new Error('no peers')
  return peer
}
