// A peer as a service of its own: the peer, its HTTP admin and its y-websocket gateway, started and stopped together.
import { hasCode } from '../crdt/errors.ts'
import { createGateway, type Gateway } from '../transport/gateway/index.ts'
import { assertOrigin, hasToken } from './admin/access.ts'
import { startAdmin, type Admin } from './admin/server.ts'
import type { Peer } from './api.ts'
import { resolveConfig, type PeerConfig, type PeerOptions } from './config.ts'
import { createPeer } from './index.ts'
import { quietLog, type Log } from './log.ts'
import { systemClock } from './ports/clock.ts'

export interface Daemon {
  readonly peer: Peer
  /** Base URL of the HTTP admin; undefined with `http: false`. */
  readonly url: string | undefined
  /** Hands everything over to the other peers, or gives up after `drainTimeoutMs` and says so in the log. */
  drain(): Promise<void>
  /** Leaves the mesh and closes everything. Idempotent. */
  stop(): Promise<void>
}

/** @throws SessionMeshError INVALID_CONFIG, STORE_LOCKED, … before anything is left running */
export async function startDaemon(options: PeerOptions, log: Log = quietLog): Promise<Daemon> {
  const config = resolveConfig(options)
  const peer = await createPeer(options, log)
  const gateway = createGateway({
    limits: { updateBytesMax: config.updateBytesMax },
    clock: systemClock,
    log,
    authorize: (request) => config.httpToken === undefined || hasToken(request, config.httpToken),
    async open(id) {
      const session = await peer.sessions.openOrCreate(id)
      const { presence } = session
      return { doc: session.doc, share: (hear) => presence.share(hear), release: () => session.close() }
    },
  })
  try {
    await peer.start()
    const admin = config.http === false ? undefined : await startHttp(peer, gateway, config, log)
    let stopping: Promise<void> | undefined
    return {
      peer,
      url: admin?.url,
      drain: () => drain(peer, config.drainTimeoutMs, log),
      stop() {
        stopping ??= stop(peer, gateway, admin)
        return stopping
      },
    }
  } catch (error) {
    // What made the start fail is what the caller is to hear of.
    await stop(peer, gateway, undefined).catch(() => {})
    throw error
  }
}

function startHttp(peer: Peer, gateway: Gateway, config: PeerConfig, log: Log): Promise<Admin> {
  if (config.http === false) throw new Error('there is no HTTP to start')
  const access = { host: config.http.host, token: config.httpToken, allowedOrigins: config.allowedOrigins }
  return startAdmin({
    ...access,
    peer,
    log,
    port: config.http.port,
    onUpgrade(request, socket, head) {
      try {
        assertOrigin(request, access)
      } catch {
        socket.end('HTTP/1.1 403 Forbidden\r\n\r\n')
        return
      }
      gateway.handleUpgrade(request, socket, head)
    },
  })
}

async function drain(peer: Peer, timeoutMs: number, log: Log): Promise<void> {
  if (timeoutMs === 0) return
  try {
    const { handover } = await peer.failover.drain({ timeoutMs, leaving: true })
    log('info', 'everything is handed over', { ...handover })
  } catch (error) {
    const isForeseen = hasCode(error, 'FAILOVER_NOT_READY') || hasCode(error, 'PEER_NOT_RUNNING')
    log(isForeseen ? 'info' : 'error', `leaving without: ${error instanceof Error ? error.message : String(error)}`)
  }
}

async function stop(peer: Peer, gateway: Gateway, admin: Admin | undefined): Promise<void> {
  try {
    await gateway.close()
    await peer.stop()
  } finally {
    await admin?.close()
  }
}
