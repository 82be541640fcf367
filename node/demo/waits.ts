// What the demos wait for, by asking peers over HTTP until it is so.
import { SessionMeshError } from '../../crdt/errors.ts'
import { systemClock } from '../ports/clock.ts'
import { delay } from '../util/timers.ts'
import type { PeerProcess } from './processes.ts'

const LOOK_INTERVAL_MS = 3
/** Only to give up at last: fifty thousand sessions on a busy machine take their time. */
const TIMEOUT_MS = 300_000

interface MemberView {
  readonly status: string
}

interface FailoverView {
  readonly homesByPeer: Readonly<Record<string, number>>
}

/** Milliseconds until `condition` held. @throws REQUEST_TIMEOUT naming `what` */
export async function waitFor(what: string, condition: () => Promise<boolean>): Promise<number> {
  const start = systemClock.monotonic()
  while (!(await condition().catch(() => false))) {
    if (systemClock.monotonic() - start > TIMEOUT_MS) {
      throw new SessionMeshError('REQUEST_TIMEOUT', `${what}: not within ${TIMEOUT_MS} ms`)
    }
    await delay(systemClock, LOOK_INTERVAL_MS)
  }
  return systemClock.monotonic() - start
}

/** Every peer sees every other alive. */
export function meshFormed(peers: readonly PeerProcess[]): Promise<number> {
  return waitFor('the mesh to form', async () => {
    const views = await Promise.all(peers.map((peer) => peer.client.get('/v1/members') as Promise<MemberView[]>))
    return views.every((members) => members.filter(({ status }) => status === 'alive').length === peers.length)
  })
}

/** No peer holds `gone` for home of anything any more. */
export function homesLeft(peers: readonly PeerProcess[], gone: string): Promise<number> {
  return waitFor('the homes to move', async () => {
    const views = await Promise.all(peers.map((peer) => peer.client.get('/v1/failover') as Promise<FailoverView>))
    return views.every(({ homesByPeer }) => (homesByPeer[gone] ?? 0) === 0)
  })
}

/** Every peer has `peer` for home of something again. */
export function homesReturned(peers: readonly PeerProcess[], peer: string): Promise<number> {
  return waitFor('the homes to come back', async () => {
    const views = await Promise.all(peers.map((other) => other.client.get('/v1/failover') as Promise<FailoverView>))
    return views.every(({ homesByPeer }) => (homesByPeer[peer] ?? 0) > 0)
  })
}

/** All peers hold equal documents: the same hash over every digest. */
export function contentEqual(peers: readonly PeerProcess[]): Promise<number> {
  return waitFor('the peers to hold equal documents', async () => {
    const answers = await Promise.all(peers.map((peer) => peer.client.get('/v1/sessions-hash')))
    return new Set(answers.map((answer) => JSON.stringify(answer))).size === 1
  })
}
