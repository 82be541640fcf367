// The routes of snapshots. What may take long answers with its progress too, if asked to.
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { Peer } from '../api.ts'
import { withProgress } from './progress.ts'
import { parse } from './schemas.ts'

const createBody = z.strictObject({ kind: z.enum(['base', 'auto']).default('base') })
const restoreBody = z.strictObject({ session: z.string().optional(), dryRun: z.boolean().optional() })

interface IdParams {
  readonly Params: { readonly id: string }
}

export function addSnapshotRoutes(app: FastifyInstance, peer: Peer): void {
  app.get('/v1/snapshots', () => peer.snapshots.list())
  app.post('/v1/snapshots', async (request, reply) => {
    const view = await peer.snapshots.create(parse(createBody, request.body))
    reply.code(201)
    return view
  })
  app.post<IdParams>('/v1/snapshots/:id/persist', (request, reply) =>
    withProgress(request, reply, (onProgress) => peer.snapshots.persist(request.params.id, { onProgress })),
  )
  app.post<IdParams>('/v1/snapshots/:id/verify', (request, reply) =>
    withProgress(request, reply, (onProgress) => peer.snapshots.verify(request.params.id, { onProgress })),
  )
  app.post<IdParams>('/v1/snapshots/:id/restore', (request, reply) => {
    const options = parse(restoreBody, request.body)
    return withProgress(request, reply, (onProgress) =>
      peer.snapshots.restore(request.params.id, { ...options, onProgress }),
    )
  })
}
