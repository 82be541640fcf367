// The HTTP admin of one peer, on fastify. The y-websocket gateway shares its port: requests to upgrade go there.
import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import fastify, { type FastifyInstance } from 'fastify'
import { ERROR_STATUS, hasCode, SessionMeshError } from '../../crdt/errors.ts'
import type { Peer } from '../api.ts'
import { assertAllowed, assertSafeAddress, type AccessOptions } from './access.ts'
import { quietLog, type Log } from '../log.ts'
import { describeError } from './errors.ts'
import { addEventRoutes, addMeshRoutes, addSessionRoutes } from './routes.ts'
import { addRecoveryRoutes } from './recovery-routes.ts'
import { addReconstructionRoutes } from './reconstruction-routes.ts'
import { addSnapshotRoutes } from './snapshot-routes.ts'

const BODY_BYTES_MAX = 64 * 1024 * 1024

export interface AdminOptions extends AccessOptions {
  readonly peer: Peer
  readonly port: number
  readonly log?: Log
  readonly onUpgrade?: (request: IncomingMessage, socket: Duplex, head: Buffer) => void
}

export interface Admin {
  /** Base URL, e.g. http://127.0.0.1:7700 */
  readonly url: string
  close(): Promise<void>
}

/** The routes without a socket, for tests to inject requests into. @throws INVALID_CONFIG */
export function buildAdmin(options: AdminOptions): FastifyInstance {
  assertSafeAddress(options)
  const { log = quietLog } = options
  const app = fastify({
    bodyLimit: BODY_BYTES_MAX,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 1024 },
  })
  app.addHook('onRequest', async (request) => assertAllowed(request.raw, options))
  app.setErrorHandler((error, request, reply) => {
    const ours = hasCode(error) ? error : refusalOf(error)
    if (ours === undefined) log('error', 'request failed', { method: request.method, url: request.url, err: error })
    void reply.code(ours === undefined ? 500 : ERROR_STATUS[ours.code]).send({ error: describeError(ours ?? error) })
  })
  app.setNotFoundHandler((request, reply) => {
    const message = `no such route: ${request.method} ${request.url}`
    void reply.code(404).send({ error: { code: 'NOT_FOUND', message } })
  })
  addSessionRoutes(app, options.peer)
  addMeshRoutes(app, options.peer)
  addSnapshotRoutes(app, options.peer)
  addReconstructionRoutes(app, options.peer)
  addRecoveryRoutes(app, options.peer)
  addEventRoutes(app, options.peer)
  return app
}

/** @throws INVALID_CONFIG, also when the address is in use */
export async function startAdmin(options: AdminOptions): Promise<Admin> {
  const app = buildAdmin(options)
  if (options.onUpgrade !== undefined) app.server.on('upgrade', options.onUpgrade)
  try {
    await app.listen({ host: options.host, port: options.port })
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    const message = `http: can't listen on ${options.host}:${options.port}: ${reason}`
    throw new SessionMeshError('INVALID_CONFIG', message, { cause })
  }
  const { port } = app.server.address() as AddressInfo
  const host = options.host.includes(':') ? `[${options.host}]` : options.host
  return { url: `http://${host}:${port}`, close: () => app.close() }
}

/** Fastify's own verdict on a request (no JSON, too large, wrong type) as ours; undefined for anything unforeseen. */
function refusalOf(error: unknown): SessionMeshError | undefined {
  if (!(error instanceof Error) || !('statusCode' in error)) return undefined
  const { statusCode, message } = error
  if (statusCode === 413) {
    return new SessionMeshError('MESSAGE_TOO_LARGE', `body of more than ${BODY_BYTES_MAX} bytes`, { cause: error })
  }
  if (typeof statusCode !== 'number' || statusCode < 400 || statusCode >= 500) return undefined
  return new SessionMeshError('INVALID_ARGUMENT', `body: ${message}`, { cause: error })
}
