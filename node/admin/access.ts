// Who may talk to the admin. By default it listens on loopback and asks nobody for a name; on any other address it
// needs a token. Host and Origin are checked because a web page in the operator's own browser can reach loopback too
// (DNS rebinding, cross-site requests).
import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { SessionMeshError } from '../../crdt/errors.ts'

export interface AccessOptions {
  readonly host: string
  readonly token?: string | undefined
  readonly allowedOrigins: readonly string[]
}

/** @throws INVALID_CONFIG when the admin would be open to the network */
export function assertSafeAddress({ host, token }: AccessOptions): void {
  if (isLoopback(host) || token !== undefined) return
  const message = `http ${host} is not a loopback address: set httpToken (SESSIONMESH_HTTP_TOKEN) or listen on 127.0.0.1`
  throw new SessionMeshError('INVALID_CONFIG', message)
}

/** What a load balancer asks, by an address of its own and without secrets. Answers a boolean. */
const PROBES = new Set(['/healthz', '/readyz'])

/** @throws UNAUTHORIZED, FORBIDDEN */
export function assertAllowed(request: IncomingMessage, options: AccessOptions): void {
  if (PROBES.has(request.url ?? '')) return
  if (options.token !== undefined) {
    if (!sameToken(bearerOf(request), options.token)) {
      throw new SessionMeshError('UNAUTHORIZED', 'missing or wrong bearer token')
    }
  } else if (!isLoopback(hostOf(request.headers.host ?? ''))) {
    throw new SessionMeshError('FORBIDDEN', `host ${request.headers.host ?? '(none)'} is not this peer`)
  }
  assertOrigin(request, options)
}

/** For WebSockets: a browser can't send headers with one, so the query string may carry the token (`?token=`). */
export function hasToken(request: IncomingMessage, token: string): boolean {
  const query = new URLSearchParams(/\?(.*)$/s.exec(request.url ?? '')?.[1])
  return sameToken(bearerOf(request), token) || sameToken(query.get('token') ?? '', token)
}

/** Browsers send an Origin; it must be one of ours. @throws FORBIDDEN */
export function assertOrigin(request: IncomingMessage, options: AccessOptions): void {
  const { origin } = request.headers
  if (origin === undefined || options.allowedOrigins.includes(origin)) return
  if (URL.canParse(origin) && isLoopback(new URL(origin).hostname)) return
  throw new SessionMeshError('FORBIDDEN', `origin ${origin} is not in allowedOrigins`)
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host)
}

function hostOf(header: string): string {
  return header.replace(/:\d+$/, '')
}

function bearerOf(request: IncomingMessage): string {
  const match = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')
  return match?.[1] ?? ''
}

/** In constant time, whatever the lengths. */
function sameToken(given: string, wanted: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(given), digest(wanted))
}
