// Configuration of a peer: every setting with its unit and default, checked once at the border. docs/CONFIG.md lists
// them for operators. `PeerOptions` is what a user gives (everything optional), `PeerConfig` what the code reads.
import { hostname } from 'node:os'
import { z } from 'zod'
import { SessionMeshError } from '../crdt/errors.ts'

/** Also what the HTTP admin takes for one write. */
export const durability = z.union([z.enum(['memory', 'local', 'quorum', 'all']), z.int().min(0)], {
  error: "expected 'memory', 'local', 'quorum', 'all' or a whole number of copies",
})
const milliseconds = z.number().int().min(1)
const MIB = 1024 * 1024

export const configSchema = z.strictObject({
  /** Shown to people; need not be unique. */
  name: z
    .string()
    .min(1)
    .max(256)
    .default(() => hostname().slice(0, 256)),
  /** Under which mDNS finds members. What keeps meshes apart is the mesh key. */
  meshName: z
    .string()
    .regex(/^[\w.-]{1,64}$/, 'expected 1 to 64 letters, digits, dots, dashes')
    .default('sessionmesh'),
  /** Where sessions, key and log live. Without one the peer keeps everything in memory and forgets it at its end. */
  dataDir: z.string().min(1).optional(),
  /** Multiaddrs to listen on. */
  listen: z
    .array(z.string().startsWith('/', 'expected a multiaddr such as /ip4/0.0.0.0/tcp/7600'))
    .default(['/ip4/127.0.0.1/tcp/0']),
  /** Multiaddrs of some members; one that is alive is enough. */
  bootstrap: z.array(z.string().startsWith('/', 'expected a multiaddr such as /ip4/10.0.0.1/tcp/7600')).default([]),
  /** Find members of the same mesh name on the local network. */
  mdns: z.boolean().default(false),
  http: z
    .union([z.literal(false), z.strictObject({ host: z.string(), port: z.int().min(0).max(65_535) })])
    .default({ host: '127.0.0.1', port: 7700 }),
  /** Bearer token of the HTTP admin; needed on any address but loopback. */
  httpToken: z.string().min(16, 'expected at least 16 characters').optional(),
  /** File with the mesh key (64 hexadecimal digits). */
  meshKeyFile: z.string().min(1).optional(),
  /** The mesh key itself: 64 hexadecimal digits. */
  meshKey: z
    .string()
    .regex(/^[0-9a-f]{64}$/i, 'expected 64 hexadecimal digits')
    .optional(),
  zone: z.string().max(256).default(''),
  /** Share of shards relative to other peers; 0 is home of nothing. */
  weight: z.int().min(0).max(1_000_000).default(1),
  /** Must be equal on all peers. */
  shardCount: z.int().min(1).max(512).default(64),
  replicationFactor: z.union([z.literal('all'), z.int().min(1)]).default(3),
  /** Disks that a write waits for, self included. */
  durability: durability.default(2),
  writeTimeoutMs: milliseconds.default(5_000),
  heartbeatIntervalMs: milliseconds.default(500),
  suspicionTimeoutMs: milliseconds.default(600),
  syncIntervalMs: milliseconds.default(1_000),
  /** How long the daemon tries to hand over to the others when it gets a SIGTERM, before it leaves; 0: it just leaves. */
  drainTimeoutMs: z.int().min(0).default(20_000),
  /** Unacknowledged frames per replica past which writes wait. */
  maxPendingSyncs: z.int().min(1).default(100),
  /** Documents kept hydrated while nobody has them open. */
  hydratedSessionsMax: z.int().min(0).default(10_000),
  updateBytesMax: z
    .int()
    .min(1)
    .default(8 * MIB),
  sessionBytesMax: z
    .int()
    .min(1)
    .default(64 * MIB),
  sessionsMax: z.int().min(1).default(10_000_000),
  /** How long a new session may lie without a write or a touch, unless it says otherwise. Without it, for ever. */
  defaultTtlMs: milliseconds.optional(),
  /** The most by which the clocks of two peers differ: sessions are ended so much later. */
  clockSkewMaxMs: z.int().min(0).default(5_000),
  /** How long sessions are not ended because a peer is out of reach at which they may have been touched. */
  expiryPatienceMs: z.int().min(0).default(600_000),
  /** How long a deleted session is remembered, so that it stays deleted: longer than any peer is away. */
  tombstoneRetentionMs: milliseconds.default(10 * 86_400_000),
  /** How long a peer that was away longer than that waits for those that were with it before, any of which may have been here. */
  returnPatienceMs: z.int().min(0).default(30_000),
  /** How long the history of a deleted session stays on disk. */
  terminatedHistoryMs: z.int().min(0).default(86_400_000),
  /** Log records kept per session, for its history; older ones are folded into its base. */
  historyRecordsMax: z.int().min(2).default(1_000),
  /** … and their bytes. */
  historyBytesMax: z.int().min(1).default(MIB),
  /** Where snapshots go: a directory, or s3://bucket/prefix. By default `snapshots` in the data directory. */
  snapshotTarget: z.string().min(1).optional(),
  /** Endpoint of an S3-compatible server; without one, that of the region. */
  snapshotS3Endpoint: z.url({ protocol: /^https?$/, error: 'expected a URL such as https://s3.example' }).optional(),
  snapshotS3Region: z.string().min(1).default('us-east-1'),
  /** Between two periodic snapshots; 0: none are taken. */
  snapshotIntervalMs: z.int().min(0).default(60_000),
  /** Increments on one base before the next base. */
  snapshotIncrementsMax: z.int().min(0).max(100).default(15),
  /** The newest snapshots kept. */
  snapshotKeepLast: z.int().min(1).default(10),
  /** Hours of which the last base is kept. */
  snapshotKeepHourly: z.int().min(0).default(24),
  /** Days of which the last base is kept. */
  snapshotKeepDaily: z.int().min(0).default(7),
  /** Pace at which the whole store is looked through for damage in the background; 0: it is not. */
  scrubBytesPerSecond: z
    .int()
    .min(0)
    .default(4 * MIB),
  /** Pause from one such check to the next. */
  scrubIntervalMs: milliseconds.default(6 * 3_600_000),
  /** Whether sessions whose home has died are adopted by themselves. */
  autoReconciliation: z.boolean().default(true),
  /** The order in which sessions are recovered after a start, and when each stage begins, ms after it. */
  recoveryStages: z
    .array(
      z.strictObject({
        priority: z.enum(['critical', 'high', 'normal', 'low']),
        delay: z.number().min(0),
      }),
    )
    .default([
      { priority: 'critical', delay: 0 },
      { priority: 'high', delay: 0 },
      { priority: 'normal', delay: 0 },
      { priority: 'low', delay: 0 },
    ]),
  /** Peer ids that may take part; empty: every holder of the mesh key. */
  allowedPeers: z.array(z.string()).default([]),
  /** Origins from which browsers may use HTTP and WebSocket, beside loopback. */
  allowedOrigins: z.array(z.string()).default([]),
})

export type PeerOptions = z.input<typeof configSchema>
export type PeerConfig = z.output<typeof configSchema>

/** @throws SessionMeshError INVALID_CONFIG naming each wrong key and what was expected */
export function resolveConfig(options: PeerOptions = {}): PeerConfig {
  const parsed = configSchema.safeParse(options)
  if (parsed.success) return parsed.data
  const problems = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'configuration'}: ${issue.message}`)
  throw new SessionMeshError('INVALID_CONFIG', problems.join('; '))
}
