// The HTTP admin's routes: thin, each one call of the SDK. Answers are the SDK's own JSON.
import type { FastifyInstance, FastifyReply } from 'fastify'
import { dataOf } from '../../crdt/index.ts'
import type {
  ExpiryOptions,
  FailoverStatus,
  Peer,
  ReadOptions,
  Receipt,
  SessionView,
  SyncProgress,
  WriteOptions,
} from '../api.ts'
import { describeError } from './errors.ts'
import { withProgress } from './progress.ts'
import * as schema from './schemas.ts'
import { parse } from './schemas.ts'

/** Bytes of events that a listener may leave unread before it is dropped. */
const UNREAD_BYTES_MAX = 1024 * 1024

interface IdParams {
  readonly Params: { readonly id: string }
}

export function addSessionRoutes(app: FastifyInstance, peer: Peer): void {
  app.get('/v1/status', () => peer.sessions.status())
  app.get('/v1/sessions', (request) => peer.sessions.list(parse(schema.listQuery, request.query)))
  app.get('/v1/sessions/count', () => ({ count: peer.sessions.count() }))
  app.get('/v1/sessions/sample', (request) => peer.sessions.sample(parse(schema.sampleQuery, request.query).n))
  app.get('/v1/sessions-hash', () => peer.sessions.contentHash())
  app.post('/v1/sessions', async (request, reply) => {
    const { id, ...options } = parse(schema.createBody, request.body)
    const { session, receipt } = await peer.sessions.create(id, options)
    session.close()
    reply.code(201)
    return receipt
  })
  // The second for sessions that are called `count` or `sample`.
  for (const path of ['/v1/sessions/:id', '/v1/sessions/:id/view']) {
    app.get<IdParams>(path, (request) => peer.sessions.get(request.params.id, parse(schema.readQuery, request.query)))
  }
  app.patch<IdParams>('/v1/sessions/:id', (request) => {
    const { set, delete: keys, ttlMs, expiresAt, ...options } = parse(schema.patchBody, request.body)
    const expiry = { ...(ttlMs === undefined ? {} : { ttlMs }), ...(expiresAt === undefined ? {} : { expiresAt }) }
    return patch(peer, request.params.id, { set, keys, expiry, create: false }, options)
  })
  app.post<IdParams>('/v1/sessions/:id/touch', (request) =>
    peer.sessions.touch(request.params.id, parse(schema.touchBody, request.body)),
  )
  app.delete<IdParams>('/v1/sessions/:id', (request) =>
    peer.sessions.terminate(request.params.id, parse(schema.writeQuery, request.query)),
  )
  app.post('/v1/read', async (request) => {
    const { sessions } = parse(schema.readBody, request.body)
    const results = await Promise.all(
      sessions.map((asked) =>
        read(peer, asked).then(
          (view) => ({ view }),
          (error: unknown) => ({ error: describeError(error) }),
        ),
      ),
    )
    return { results }
  })
  app.post('/v1/batch', async (request) => {
    const { writes } = parse(schema.batchBody, request.body)
    const results = await Promise.all(
      writes.map(({ session, set, delete: keys, create, ...options }) =>
        patch(peer, session, { set, keys, expiry: {}, create }, parse(schema.writeOptions, options)).then(
          (receipt) => ({ receipt }),
          (error: unknown) => ({ error: describeError(error) }),
        ),
      ),
    )
    return { results }
  })
}

export function addMeshRoutes(app: FastifyInstance, peer: Peer): void {
  app.get('/v1/members', () => peer.members())
  app.get('/v1/replication', () => peer.replication.status())
  app.get('/v1/replication/lag', () => ({ lagMs: peer.replication.lag() }))
  app.get('/v1/replication/progress', () => peer.replication.progress())
  app.get('/v1/replication/shards', () => peer.replication.shards())
  app.get('/v1/replication/under-replicated', (request) =>
    peer.replication.underReplicated(parse(schema.pageQuery, request.query)),
  )
  app.post('/v1/replication/sync', (request, reply) =>
    withProgress(request, reply, (onProgress) => peer.replication.forceSync(onProgress)),
  )
  app.post('/v1/replication/ensure-synced', (request, reply) => {
    const options = parse(schema.ensureSyncedBody, request.body)
    return withProgress(request, reply, (onProgress) => peer.replication.ensureSynced({ ...options, onProgress }))
  })
  app.post('/v1/replication/validate', (request, reply) =>
    withProgress(request, reply, (onProgress) => peer.replication.validateConsistency({ onProgress })),
  )
  app.post('/v1/replication/reconcile', (request, reply) =>
    withProgress(request, reply, (onProgress) => peer.replication.reconcile({ onProgress })),
  )
  app.get('/v1/sync', () => peer.sync.status())
  app.get('/v1/sync/pending', () => peer.sync.pending())
  app.post('/v1/sync', (request, reply) => {
    const { to } = parse(schema.syncBody, request.body)
    return withProgress(request, reply, (onProgress) => peer.sync.forceTransfer(to, { onProgress }))
  })
  app.get('/v1/orphans', (request) => peer.sessions.orphaned(parse(schema.pageQuery, request.query)))
  app.post('/v1/orphans', () => peer.sessions.adoptOrphaned())
  app.get('/v1/failover', () => peer.failover.status())
  app.post('/v1/failover', (request, reply) =>
    withProgress(request, reply, (onProgress) => failover(peer, request.body, onProgress)),
  )
  app.get('/v1/integrity', () => ({ progress: peer.store.integrityProgress() }))
  app.post('/v1/integrity', () => peer.store.validateIntegrity())
  app.post('/v1/purge', (request, reply) => {
    const { dryRun } = parse(schema.purgeBody, request.body)
    return withProgress(request, reply, (onProgress) => peer.store.purge({ dryRun, onProgress }))
  })
  app.get('/v1/health', (_request, reply) => health(reply, peer.health.detailed()))
  app.get('/healthz', (_request, reply) => health(reply, peer.health.check()))
  app.get('/readyz', (_request, reply) => health(reply, peer.health.check()))
}

/** Members, failovers, handovers and expiries as server-sent events, until the client goes. */
export function addEventRoutes(app: FastifyInstance, peer: Peer): void {
  app.get('/v1/events', (_request, reply) => {
    reply.hijack()
    reply.raw.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
    reply.raw.flushHeaders()
    const send = (event: string) => (value: unknown) => {
      if (reply.raw.writableLength > UNREAD_BYTES_MAX) reply.raw.destroy()
      else reply.raw.write(`event: ${event}\ndata: ${JSON.stringify(value)}\n\n`)
    }
    const stops = [
      peer.on('member', send('member')),
      peer.on('failover', send('failover')),
      peer.on('handover', send('handover')),
      peer.on('expired', send('expired')),
    ]
    reply.raw.on('close', () => {
      for (const stop of stops) stop()
    })
  })
}

async function read(peer: Peer, asked: string | { readonly id: string }): Promise<SessionView> {
  if (typeof asked === 'string') return peer.sessions.get(asked)
  const { id, ...options } = asked
  return peer.sessions.get(id, parse(schema.readQuery, options))
}

interface Patch {
  readonly set: Record<string, unknown>
  readonly keys: readonly string[]
  readonly expiry: ExpiryOptions
  readonly create: boolean
}

async function patch(
  peer: Peer,
  id: string,
  { set, keys, expiry, create }: Patch,
  options: WriteOptions & ReadOptions,
): Promise<Receipt> {
  const session = create ? await peer.sessions.openOrCreate(id, options) : await peer.sessions.open(id, options)
  try {
    const changesExpiry = Object.keys(expiry).length > 0
    const changed = changesExpiry ? await session.setExpiry(expiry, options) : undefined
    if (changed !== undefined && Object.keys(set).length === 0 && keys.length === 0) return changed
    return await session.transact((doc) => {
      const data = dataOf(doc)
      for (const [key, value] of Object.entries(set)) data.set(key, value)
      for (const key of keys) data.delete(key)
    }, options)
  } finally {
    session.close()
  }
}

function failover(peer: Peer, body: unknown, onProgress: (progress: SyncProgress) => void): Promise<FailoverStatus> {
  const request = parse(schema.failoverBody, body)
  switch (request.action) {
    case 'execute':
      return peer.failover.execute(request.to)
    case 'graceful':
      return peer.failover.graceful(request.to, {
        ...defined(request.timeoutMs),
        snapshot: request.snapshot ?? true,
        onProgress,
      })
    case 'drain':
      return peer.failover.drain({ ...defined(request.timeoutMs), onProgress })
    case 'failback':
      return peer.failover.failback()
    case 'wait':
      return peer.failover.completed(defined(request.timeoutMs))
  }
}

function defined(timeoutMs: number | undefined): { timeoutMs?: number } {
  return timeoutMs === undefined ? {} : { timeoutMs }
}

function health<T extends { healthy: boolean }>(reply: FastifyReply, check: T): T {
  reply.code(check.healthy ? 200 : 503)
  return check
}
