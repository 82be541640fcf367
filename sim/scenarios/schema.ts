// The scenario language: what a file in this folder, or a user's own, may say. docs/SIMULATOR.md describes it for
// people. Every amount may be written with its unit, or given by a program as the plain number.
import { z } from 'zod'
import { durability } from '../../node/config.ts'
import { OPERATION_KINDS } from '../plan/plan.ts'
import { duration, machines, rate, share } from './amounts.ts'
import { scenarioFault } from './fault-schema.ts'
import type { Check, OwnOperation } from './own-code.ts'

const own = <T>(message: string) => z.custom<T>((value) => typeof value === 'function', message)
const count = (max: number) => z.int().min(1).max(max)

type Kind = (typeof OPERATION_KINDS)[number]
type Operations = readonly Kind[] | Readonly<Partial<Record<Kind, number>>> | Readonly<Record<string, OwnOperation>>
const KINDS = OPERATION_KINDS.join(', ')

const network = z.strictObject({
  /** One way: the floor, and the mean of what comes on top of it. */
  latency: duration.default(1),
  jitter: duration.default(2),
  /** Gossip that is lost or comes twice, on each hop. On direct streams a loss costs a retransmission. */
  loss: share.default(0),
  duplicate: share.default(0),
  /** Of each link, one way. Without one there is no limit. */
  bandwidth: rate.optional(),
})

const disk = z.strictObject({
  /** Means. */
  sync: duration.default(1),
  read: duration.default(0.5),
})

/** As in a peer's configuration; what is not here has the peer's own default. */
const peer = z.strictObject({
  shardCount: count(512).default(8),
  replicationFactor: z
    .union([z.literal('all'), z.int().min(1)], { error: "expected 'all' or a whole number" })
    .default(3),
  hydratedSessionsMax: z.int().min(0).default(100),
  /** Without gossip of changes: anti-entropy alone must do. */
  gossip: z.boolean().default(true),
  /** How long each session may lie untouched, and how long deletions are remembered; 0: for ever. */
  life: z.strictObject({ ttlMs: duration.default(0), retentionMs: duration.default(0) }).optional(),
})

const workload = z.strictObject({
  /** Between two operations of one client. There is a client at each peer. */
  every: duration.default(500),
  /** What clients choose from: a list, or how often each is chosen; or your own functions by name. */
  operations: z
    .custom<Operations>(areOperations, `expected a list of ${KINDS}; or weights such as {set: 3, read: 1}`)
    .default(['set', 'push', 'type', 'unset', 'pull', 'erase', 'read']),
  durability: z
    .union([durability, z.array(durability).min(1)], { error: "expected 'quorum', 2, … or a list of them" })
    .default(2),
})

export const scenarioSchema = z.strictObject({
  /** @default the name of the file */
  name: z.string().min(1).optional(),
  /** A sentence on what it shows. */
  shows: z.string().optional(),
  peers: count(1_000).default(5),
  /** Dealt to the peers in turn. */
  zones: z.array(z.string()).default([]),
  sessions: count(1_000_000).default(10),
  /** How long faults and writes go on. */
  duration: duration.default(30_000),
  /** How long the healed peers then have to become equal. */
  settle: duration.default(40_000),
  /** Who is healed for that; what is wrong with the others stays wrong. */
  core: machines.default('all'),
  network: network.prefault({}),
  disk: disk.prefault({}),
  peer: peer.prefault({}),
  workload: workload.prefault({}),
  faults: z.array(scenarioFault).default([]),
  /** Your own invariant over the documents at the end: throws if it does not hold. */
  check: own<Check>('expected a function').optional(),
})

/** What is written. */
export type Scenario = z.input<typeof scenarioSchema>
/** What is read: amounts as numbers, defaults filled in. */
export type ReadScenario = z.output<typeof scenarioSchema>

function areOperations(given: unknown): boolean {
  if (Array.isArray(given)) return given.length > 0 && given.every((kind) => isKind(kind))
  if (typeof given !== 'object' || given === null) return false
  const [keys, values] = [Object.keys(given), Object.values(given)]
  const areWeights = keys.every(isKind) && values.every((weight) => Number.isInteger(weight) && Number(weight) > 0)
  return keys.length > 0 && (areWeights || values.every((value) => typeof value === 'function'))
}

function isKind(word: unknown): boolean {
  return OPERATION_KINDS.some((kind) => kind === word)
}
