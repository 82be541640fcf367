// The routes of a session's past.
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { Peer } from '../api.ts'
import { parse, writeOptions } from './schemas.ts'

const past = { at: z.number().optional(), snapshot: z.string().optional() }
const rebuildBody = z.strictObject(past)
const revertBody = z.strictObject({ ...past, ...writeOptions.shape })
const historyQuery = z.strictObject({ limit: z.coerce.number().int().min(1).max(100_000).optional() })

interface IdParams {
  readonly Params: { readonly id: string }
}

export function addReconstructionRoutes(app: FastifyInstance, peer: Peer): void {
  app.post<IdParams>('/v1/sessions/:id/rebuild', (request) =>
    peer.reconstruction.rebuildFromLog(request.params.id, parse(rebuildBody, request.body)),
  )
  app.post<IdParams>('/v1/sessions/:id/rebuild/verify', (request) => peer.reconstruction.verify(request.params.id))
  app.get<IdParams>('/v1/sessions/:id/history', (request) =>
    peer.reconstruction.history(request.params.id, parse(historyQuery, request.query)),
  )
  app.post<IdParams>('/v1/sessions/:id/revert', (request) => {
    const { at, snapshot, ...options } = parse(revertBody, request.body)
    const to = { ...(at === undefined ? {} : { at }), ...(snapshot === undefined ? {} : { snapshot }) }
    return peer.reconstruction.revert(request.params.id, to, parse(writeOptions, options))
  })
}
