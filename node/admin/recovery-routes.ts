// The routes of recovery.
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { Peer } from '../api.ts'
import { configSchema } from '../config.ts'
import { parse } from './schemas.ts'

const prioritizeBody = z.strictObject({ sessions: z.array(z.string()).max(100_000) })
const stagedBody = z.strictObject({ stages: configSchema.shape.recoveryStages.unwrap() })

export function addRecoveryRoutes(app: FastifyInstance, peer: Peer): void {
  app.get('/v1/recovery', () => peer.recovery.progress())
  app.get('/v1/recovery/stats', () => peer.recovery.stats())
  app.post('/v1/recovery/prioritize', (request) =>
    peer.recovery.prioritize(parse(prioritizeBody, request.body).sessions),
  )
  app.post('/v1/recovery/accept', () => peer.recovery.accept())
  app.post('/v1/recovery/staged', (request) => peer.recovery.staged(parse(stagedBody, request.body).stages))
}
