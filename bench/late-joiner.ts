// `npm run bench:late-joiner`: a peer with an empty disk joins a mesh of two that hold very many sessions. How soon does it
// serve any of them, how long until it holds them all, and how much goes over the wire for that?
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import { print } from '../node/cli/print.ts'
import { createShow, type Show } from '../node/demo/show.ts'
import type { MeshPeer } from '../node/peer.ts'
import { systemClock } from '../node/ports/clock.ts'
import { delay, until } from '../node/util/timers.ts'
import { createMemoryNetwork } from '../transport/memory/index.ts'
import { Company, cpuMs, startPeer, Traffic } from './in-process.ts'
import { makeSmallSessions, smallSessionId } from './small-sessions.ts'

/** Makes a session of some two hundred bytes. */
const PADDING = 80
/** Sessions that are read from the new peer while it has few of them. */
const READS = 200
/** Tells it that there are others; where is the network's business here. */
const SOMEWHERE = '/ip4/127.0.0.1/tcp/1'
const WAITING = { timeoutMs: 600_000, intervalMs: 20 }

interface Report {
  readonly sessions: number
  /** Added to each request of the new peer, ms. */
  readonly roundTripMs: number
  /** Bytes of all sessions' updates, and what went over the wire. */
  readonly rawBytes: number
  readonly wireBytes: number
  readonly wireToRaw: number
  readonly roundTrips: number
  /** From its start until it says that it holds all shards. */
  readonly joinedMs: number
  readonly sessionsPerSecond: number
  /** Of all three peers together. */
  readonly cpuMs: number
  /** Of reads at the new peer, the first from when it saw the others. */
  readonly firstReadMs: number
  readonly readP50Ms: number
  readonly readMaxMs: number
  /** Sessions that it held when the last of them was read. */
  readonly heldAfterReads: number
}

async function run(sessions: number, roundTripMs: number, directory: string, show: Show): Promise<Report> {
  show.step(`making ${sessions} sessions`)
  const { bytes: rawBytes } = await makeSmallSessions(join(directory, 'a'), sessions, PADDING)
  cpSync(join(directory, 'a'), join(directory, 'b'), { recursive: true })
  show.step('starting two peers on them')
  const network = createMemoryNetwork({ timers: systemClock })
  const peers = [await startPeer(network, directory, { name: 'a' }), await startPeer(network, directory, { name: 'b' })]
  try {
    const companies = peers.map((peer) => ({ peer, company: new Company(peer) }))
    const isReady = () =>
      companies.every(({ peer, company }) => isComplete(peer, company, 1) && !peer.recovery.progress().running)
    await until(systemClock, isReady, { ...WAITING, what: 'both to have read them' })
    show.step('a third joins')
    const traffic = new Traffic(network)
    const before = { cpuMs: cpuMs(), at: systemClock.monotonic() }
    const late = await startPeer(network, directory, { name: 'late', bootstrap: [SOMEWHERE] }, roundTripMs)
    peers.push(late)
    const company = new Company(late)
    await until(systemClock, () => company.size === 2, { ...WAITING, intervalMs: 1, what: 'it to see the others' })
    const reads = await read(late, sessions)
    const holdsAll = () => late.sessions.count() === sessions && isComplete(late, company, 2)
    await until(systemClock, holdsAll, { ...WAITING, what: 'it to hold all' })
    const joinedMs = systemClock.monotonic() - before.at
    const spentMs = cpuMs() - before.cpuMs
    await assertEqual(peers)
    return {
      sessions,
      roundTripMs,
      rawBytes,
      wireBytes: traffic.bytes,
      wireToRaw: Number((traffic.bytes / rawBytes).toFixed(2)),
      roundTrips: traffic.roundTrips,
      joinedMs: Math.round(joinedMs),
      sessionsPerSecond: Math.round((sessions / joinedMs) * 1_000),
      cpuMs: Math.round(spentMs),
      ...reads,
    }
  } finally {
    await Promise.all(peers.map((peer) => peer.stop()))
  }
}

async function read(
  peer: MeshPeer,
  sessions: number,
): Promise<Pick<Report, 'firstReadMs' | 'readP50Ms' | 'readMaxMs' | 'heldAfterReads'>> {
  const times: number[] = []
  for (let i = 0; i < READS; i++) {
    const n = Math.floor((i * sessions) / READS)
    const startedAt = systemClock.monotonic()
    const { data } = (await peer.sessions.get(smallSessionId(n))) as { data: { user?: string } }
    if (data.user !== `user-${n}`) throw new Error(`${smallSessionId(n)} was served as ${JSON.stringify(data)}`)
    times.push(systemClock.monotonic() - startedAt)
  }
  const [firstReadMs = 0] = times
  const sorted = times.toSorted((a, b) => a - b)
  const rounded = (ms = 0) => Number(ms.toFixed(1))
  return {
    firstReadMs: rounded(firstReadMs),
    readP50Ms: rounded(sorted[Math.floor(sorted.length / 2)]),
    readMaxMs: rounded(sorted.at(-1)),
    heldAfterReads: peer.sessions.count(),
  }
}

async function assertEqual(peers: readonly MeshPeer[]): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    const contents = await Promise.all(peers.map((peer) => peer.sessions.contentHash()))
    if (new Set(contents.map(({ hash }) => hash)).size === 1) return
    await delay(systemClock, 100)
  }
  throw new Error('the peers do not come to hold equal content')
}

/** Whether it sees so many others, and holds all its shards as a whole. */
function isComplete(peer: MeshPeer, company: Company, others: number): boolean {
  return company.size === others && peer.replication.shards().every(({ state }) => state === 'complete')
}

const program = new Command('bench:late-joiner')
  .description('what it takes a peer with an empty disk to join two that hold very many sessions')
  .option('--sessions <n>', 'that the two hold', '100000')
  .option('--round-trip <ms>', 'added to each request of the new peer', '0')
  .option('--json', 'one line of JSON')
  .parse()
const flags = program.opts<{ sessions: string; roundTrip: string; json?: boolean }>()
const sessions = Number(flags.sessions)
const roundTripMs = Number(flags.roundTrip)
if (!Number.isInteger(sessions) || sessions < 1) program.error('--sessions: expected a whole number from 1 on')
if (!(roundTripMs >= 0)) program.error('--round-trip: expected 0 or more milliseconds')
const directory = mkdtempSync(join(tmpdir(), 'sessionmesh-late-joiner-'))
try {
  print(await run(sessions, roundTripMs, directory, createShow(flags.json === true)), flags.json)
} finally {
  rmSync(directory, { recursive: true, force: true })
}
