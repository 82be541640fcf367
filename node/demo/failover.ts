// `demo failover`: three real processes, sessions with content, a SIGKILL in the middle of writing, and then a look at
// the survivors alone: is everything there that was acknowledged?
import { systemClock } from '../ports/clock.ts'
import { systemRandom } from '../ports/random.ts'
import { delay } from '../util/timers.ts'
import { createSessions } from './create-sessions.ts'
import { Ledger } from './ledger.ts'
import { WriteLoad } from './load.ts'
import { ProcessMesh, type PeerProcess } from './processes.ts'
import type { Show } from './show.ts'
import { contentEqual, homesLeft, meshFormed, waitFor } from './waits.ts'

const WRITERS = 8
/** The kill comes at a random moment of this span after the writing began, ms. */
const KILL_AFTER_MS = { min: 300, max: 1_500 }
const WRITE_ON_MS = 500

export interface FailoverReport {
  readonly sessionsBefore: number
  readonly sessionsAfter: number
  readonly acknowledgedWrites: number
  readonly lostAcknowledgedWrites: number
  readonly contentEqual: boolean
  /** From the kill until the survivors are home of everything. */
  readonly failoverMs: number
  /** From the kill until a client's next write is acknowledged by a survivor. */
  readonly nextWriteMs: number
  /** From the killed peer's restart until it holds what the others hold. */
  readonly catchUpMs: number
  readonly peers: readonly { readonly name: string; readonly peer: string; readonly role: string }[]
}

export async function demoFailover(options: { readonly sessions: number }, show: Show): Promise<FailoverReport> {
  const mesh = new ProcessMesh()
  try {
    return await run(mesh, options, show)
  } finally {
    await mesh.close()
  }
}

async function run(mesh: ProcessMesh, options: { readonly sessions: number }, show: Show): Promise<FailoverReport> {
  show.step('starting three peers')
  const first = await mesh.start('a')
  const survivors = [await mesh.start('b'), await mesh.start('c')] as const
  await meshFormed([first, ...survivors])
  const ledger = new Ledger()
  const creating = show.bar(`creating sessions on ${first.name}`, options.sessions)
  const sessions = await createSessions(first.client, ledger, options.sessions, creating.tick)
  creating.done()
  const before = (await first.client.get('/v1/sessions/count')) as { count: number }

  let target = first
  const load = new WriteLoad({ ledger, sessions, writers: WRITERS, target: () => target.client })
  const { min, max } = KILL_AFTER_MS
  await delay(systemClock, min + systemRandom.float() * (max - min))
  show.step(`SIGKILL to ${first.name} (pid ${first.child.pid}) after ${ledger.writes} acknowledged writes`)
  const killedAt = systemClock.monotonic()
  mesh.kill(first.name)
  target = survivors[0]
  const [failoverMs, nextWriteMs] = await Promise.all([
    homesLeft(survivors, first.peer).then(() => systemClock.monotonic() - killedAt),
    nextWrite(survivors[0], sessions[0] ?? '', ledger).then(() => systemClock.monotonic() - killedAt),
  ])
  show.step(
    `survivors are home of everything after ${failoverMs.toFixed(0)} ms; next write after ${nextWriteMs.toFixed(0)} ms`,
  )
  await delay(systemClock, WRITE_ON_MS)
  await load.stop()

  show.step('reading from the survivors')
  const checks = await Promise.all(survivors.map((peer) => ledger.check(peer.client)))
  show.step(`starting ${first.name} again with its data`)
  const restartedAt = systemClock.monotonic()
  const again = await mesh.start(first.name)
  await contentEqual([again, ...survivors])
  const catchUpMs = systemClock.monotonic() - restartedAt
  const checkAgain = await ledger.check(again.client)
  const expected = ledger.hash()
  const all = [...checks, checkAgain]
  return {
    sessionsBefore: before.count,
    sessionsAfter: Math.min(...checks.map((check) => check.sessions)),
    acknowledgedWrites: ledger.writes,
    lostAcknowledgedWrites: Math.max(...all.map((check) => check.lost)),
    contentEqual:
      all.every((check) => check.hash === expected) && again.peer === first.peer && again.boot !== first.boot,
    failoverMs: Math.round(failoverMs),
    nextWriteMs: Math.round(nextWriteMs),
    catchUpMs: Math.round(catchUpMs),
    peers: [describe(first, 'killed and restarted'), ...survivors.map((peer) => describe(peer, 'survivor'))],
  }
}

/** A client that had been at the killed peer goes to a survivor, and tries until its write is acknowledged. */
async function nextWrite(peer: PeerProcess, session: string, ledger: Ledger): Promise<void> {
  const set = { afterKill: 'acknowledged by a survivor' }
  await waitFor('the next write', async () => {
    await peer.client.call('PATCH', `/v1/sessions/${session}`, { set })
    return true
  })
  ledger.acknowledge(session, set)
}

function describe({ name, peer }: PeerProcess, role: string): FailoverReport['peers'][number] {
  return { name, peer, role }
}
