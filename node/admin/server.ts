// The HTTP admin of one peer, on fastify. The y-websocket gateway shares its port: requests to upgrade go there.
import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import fastify, { type FastifyInstance } from 'fastify'
import { ERROR_STATUS, hasCode } from '../../crdt/errors.ts'
import type { Peer } from '../api.ts'
import { assertAllowed, assertSafeAddress, type AccessOptions } from './access.ts'
import { addEventRoutes, addMeshRoutes, addSessionRoutes, describeError } from './routes.ts'

const BODY_BYTES_MAX = 64 * 1024 * 1024

export interface AdminOptions extends AccessOptions {
  readonly peer: Peer
  readonly port: number
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
  const app = fastify({
    bodyLimit: BODY_BYTES_MAX,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 1024 },
  })
  app.addHook('onRequest', async (request) => assertAllowed(request.raw, options))
  app.setErrorHandler((error, _request, reply) => {
    const status = hasCode(error) ? ERROR_STATUS[error.code] : statusOf(error)
    void reply.code(status).send({ error: describeError(error) })
  })
  app.setNotFoundHandler((request, reply) => {
    const message = `no such route: ${request.method} ${request.url}`
    void reply.code(404).send({ error: { code: 'NOT_FOUND', message } })
  })
  addSessionRoutes(app, options.peer)
  addMeshRoutes(app, options.peer)
  addEventRoutes(app, options.peer)
  return app
}

/** @throws INVALID_CONFIG, also when the address is in use */
export async function startAdmin(options: AdminOptions): Promise<Admin> {
  const app = buildAdmin(options)
  if (options.onUpgrade !== undefined) app.server.on('upgrade', options.onUpgrade)
  await app.listen({ host: options.host, port: options.port })
  const { port } = app.server.address() as AddressInfo
  const host = options.host.includes(':') ? `[${options.host}]` : options.host
  return { url: `http://${host}:${port}`, close: () => app.close() }
}

function statusOf(error: unknown): number {
  return error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number'
    ? error.statusCode
    : 500
}
