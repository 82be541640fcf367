// What the HTTP admin takes: every body and query, checked before anything is done.
import { z } from 'zod'
import { SessionMeshError } from '../../crdt/errors.ts'
import { durability } from '../config.ts'

const priority = z.enum(['critical', 'high', 'normal', 'low'])
const write = {
  durability: durability.optional(),
  strict: z.boolean().optional(),
  timeoutMs: z.number().min(0).optional(),
}
const read = {
  after: z.string().optional(),
  freshness: z.enum(['local', 'quorum']).optional(),
}
const data = z.record(z.string(), z.json())
const timeout = z.strictObject({ timeoutMs: z.number().min(0).optional() })

export const writeOptions = z.strictObject({ ...write, ...read })
/** The same from a query string, where everything is text. */
export const writeQuery = z.strictObject({
  durability: z.preprocess((text) => (/^\d+$/.test(String(text)) ? Number(text) : text), write.durability),
  strict: z
    .enum(['true', 'false'])
    .transform((text) => text === 'true')
    .optional(),
  timeoutMs: z.coerce.number().min(0).optional(),
  ...read,
})
export const readQuery = z.strictObject({ ...read, timeoutMs: z.coerce.number().min(0).optional() })
export const listQuery = z.strictObject({
  priority: priority.optional(),
  home: z.string().optional(),
  limit: z.coerce.number().int().min(1).max(100_000).optional(),
  after: z.string().optional(),
})
export const pageQuery = listQuery.pick({ limit: true, after: true })
export const sampleQuery = z.strictObject({ n: z.coerce.number().int().min(1).max(1_000).default(10) })
const expiry = {
  ttlMs: z.number().nullable().optional(),
  expiresAt: z.number().nullable().optional(),
}
export const createBody = z.strictObject({
  id: z.string().optional(),
  data: data.optional(),
  priority: priority.optional(),
  pin: z.string().optional(),
  ...expiry,
  ...write,
})
export const patchBody = z.strictObject({
  set: data.default({}),
  delete: z.array(z.string()).default([]),
  ...expiry,
  ...write,
  ...read,
})
export const touchBody = z.strictObject({ ...write, ...read })
const batchWrite = z.strictObject({
  session: z.string(),
  set: data.default({}),
  delete: z.array(z.string()).default([]),
  create: z.boolean().default(false),
  ...write,
  ...read,
})
export const batchBody = z.strictObject({
  writes: z.array(batchWrite).max(10_000),
})
export const readBody = z.strictObject({
  sessions: z.array(z.union([z.string(), z.strictObject({ id: z.string(), ...readQuery.shape })])).max(10_000),
})
export const failoverBody = z.discriminatedUnion('action', [
  z.strictObject({ action: z.literal('execute'), to: z.string() }),
  z.strictObject({
    action: z.literal('graceful'),
    to: z.string(),
    snapshot: z.boolean().optional(),
    ...timeout.shape,
  }),
  z.strictObject({ action: z.literal('drain'), ...timeout.shape }),
  z.strictObject({ action: z.literal('failback') }),
  z.strictObject({ action: z.literal('wait'), ...timeout.shape }),
])
export const purgeBody = z.strictObject({ dryRun: z.boolean().default(false) })
export const syncBody = z.strictObject({ to: z.string().default('all') })
export const ensureSyncedBody = timeout

/** Zod's optional keys may hold undefined; our options must not have such keys at all. */
type Defined<T> = { [K in keyof T]: Exclude<T[K], undefined> }

/** @throws INVALID_ARGUMENT naming each wrong field */
export function parse<S extends z.ZodType>(schema: S, value: unknown): Defined<z.output<S>> {
  const parsed = schema.safeParse(value ?? {})
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'body'}: ${issue.message}`)
    throw new SessionMeshError('INVALID_ARGUMENT', problems.join('; '))
  }
  const entries = Object.entries(parsed.data ?? {}).filter(([, field]) => field !== undefined)
  return Object.fromEntries(entries) as Defined<z.output<S>>
}
