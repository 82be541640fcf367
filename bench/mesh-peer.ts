// A process of the mesh: one peer on a disk of its own, with writers that each have one write under way at a time.
import { childOptions, serveCommands } from './child.ts'
import { createPeer, type PeerOptions, type Session } from '../node/index.ts'
import { systemClock } from '../node/ports/clock.ts'

const peer = await createPeer(childOptions<PeerOptions>())
await peer.start()
let sessions: readonly Session[] = []

async function createSessions(count: number): Promise<void> {
  const created = await Promise.all(Array.from({ length: count }, () => peer.sessions.create()))
  sessions = created.map(({ session }) => session)
}

/** Every writer sets a value, waits for its receipt, and goes on, for so long; the last receipts' time counts too. */
async function write(work: { seconds: number; bytes: number }): Promise<object> {
  const latenciesMs: number[] = []
  const before = peer.replication.status()
  const start = systemClock.monotonic()
  const end = start + work.seconds * 1_000
  let degraded = 0
  const writeOn = async (session: Session): Promise<void> => {
    for (let sent = systemClock.monotonic(); sent < end;) {
      const { copies } = await session.set('value', `${sent} `.padEnd(work.bytes, 'x'))
      const now = systemClock.monotonic()
      latenciesMs.push(now - sent)
      sent = now
      if (copies < 2) degraded++
    }
  }
  await Promise.all(sessions.map(writeOn))
  const seconds = (systemClock.monotonic() - start) / 1_000
  const after = peer.replication.status()
  return {
    acknowledged: latenciesMs.length,
    degraded,
    seconds,
    frames: after.framesPublished - before.framesPublished,
    updates: after.updatesPublished - before.updatesPublished,
    exchanges: after.exchanges - before.exchanges,
    p50Ms: percentile(latenciesMs, 0.5),
    p99Ms: percentile(latenciesMs, 0.99),
  }
}

function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor((sorted.length - 1) * share)] ?? 0
}

await serveCommands({
  identify: () => ({ peer: peer.id, addresses: peer.addresses }),
  ready: () => peer.replication.status().replicas.length,
  createSessions,
  write,
  content: () => peer.sessions.contentHash(),
  stop: () => peer.stop(),
})
