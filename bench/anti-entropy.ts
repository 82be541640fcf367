// `npm run bench:anti-entropy`: what it costs two peers with very many sessions to become equal again, by how many of
// them differ. The link between the two is cut, sessions are written to on both sides in turn, the link is healed.
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
const IN_FLIGHT = 256
/** It is over when nothing was asked for so long. */
const QUIET_MS = 1_500
const WAITING = { timeoutMs: 600_000, intervalMs: 50 }

interface Row {
  readonly differing: number
  readonly roundTrips: number
  readonly bytes: number
  /** Of both peers together. */
  readonly cpuMs: number
  readonly wallMs: number
}

interface Pair {
  readonly network: ReturnType<typeof createMemoryNetwork>
  readonly traffic: Traffic
  readonly a: MeshPeer
  readonly b: MeshPeer
  /** How many of the two see the other alive. */
  readonly met: () => number
}

async function measure(pair: Pair, differing: number, show: Show): Promise<Row> {
  const { network, traffic, a, b, met } = pair
  show.step(`${differing} differing`)
  network.cut('a', 'b')
  await until(systemClock, () => met() === 0, { ...WAITING, what: 'both to miss each other' })
  for (let from = 0; from < differing; from += IN_FLIGHT) {
    const count = Math.min(IN_FLIGHT, differing - from)
    await Promise.all(Array.from({ length: count }, (_, i) => write((from + i) % 2 === 0 ? a : b, from + i)))
  }
  await Promise.all([a.sessions.contentHash(), b.sessions.contentHash()])
  traffic.reset()
  const before = cpuMs()
  const healedAt = systemClock.monotonic()
  network.heal()
  const isQuiet = () => met() === 2 && systemClock.monotonic() - (traffic.lastAt ?? healedAt) > QUIET_MS
  do {
    await until(systemClock, isQuiet, { ...WAITING, what: 'both to have nothing to ask any more' })
  } while (!(await areEqual(a, b)))
  const { roundTrips, bytes, lastAt = healedAt, firstAt = lastAt } = traffic
  return { differing, roundTrips, bytes, cpuMs: Math.round(cpuMs() - before), wallMs: Math.round(lastAt - firstAt) }
}

async function areEqual(a: MeshPeer, b: MeshPeer): Promise<boolean> {
  const [one, other] = await Promise.all([a.sessions.contentHash(), b.sessions.contentHash()])
  if (one.hash !== other.hash) await delay(systemClock, WAITING.intervalMs)
  return one.hash === other.hash
}

async function write(peer: MeshPeer, n: number): Promise<void> {
  const session = await peer.sessions.open(smallSessionId(n))
  await session.set('seen', systemClock.now(), { durability: 'local' })
  session.close()
}

async function run(sessions: number, differing: readonly number[], directory: string, show: Show): Promise<Row[]> {
  show.step(`making ${sessions} sessions`)
  const { bytes } = await makeSmallSessions(join(directory, 'a'), sessions, PADDING)
  cpSync(join(directory, 'a'), join(directory, 'b'), { recursive: true })
  show.step(`${Math.round(bytes / sessions)} bytes each; starting two peers on them`)
  const network = createMemoryNetwork({ timers: systemClock })
  const a = await startPeer(network, directory, { name: 'a' })
  const b = await startPeer(network, directory, { name: 'b' })
  try {
    const company = [new Company(a), new Company(b)]
    const met = () => company.reduce((sum, { size }) => sum + size, 0)
    const isReady = () => met() === 2 && ![a, b].some((peer) => peer.recovery.progress().running)
    await until(systemClock, isReady, { ...WAITING, what: 'both to have read them' })
    const pair = { network, traffic: new Traffic(network), a, b, met }
    const rows: Row[] = []
    for (const count of differing) rows.push(await measure(pair, count, show))
    return rows
  } finally {
    await Promise.all([a.stop(), b.stop()])
  }
}

const program = new Command('bench:anti-entropy')
  .description('what it costs two peers to become equal again, by how many of their sessions differ')
  .option('--sessions <n>', 'that both have', '100000')
  .option('--differing <list>', 'how many of them are written to, one measurement each', '0,10,1000,100000')
  .option('--json', 'one line of JSON')
  .parse()
const flags = program.opts<{ sessions: string; differing: string; json?: boolean }>()
const sessions = Number(flags.sessions)
const differing = flags.differing.split(',').map(Number)
if (!Number.isInteger(sessions) || sessions < 1) program.error('--sessions: expected a whole number from 1 on')
if (!differing.every((count) => Number.isInteger(count) && count >= 0 && count <= sessions)) {
  program.error(`--differing: expected whole numbers up to ${sessions}, with commas between them`)
}
const directory = mkdtempSync(join(tmpdir(), 'sessionmesh-anti-entropy-'))
try {
  print(await run(sessions, differing, directory, createShow(flags.json === true)), flags.json)
} finally {
  rmSync(directory, { recursive: true, force: true })
}
