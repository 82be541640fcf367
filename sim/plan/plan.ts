// A plan: everything that a run is told, as plain data. Together with a version of the code it decides the run down to
// the last event. Swarms draw plans from seeds, scenarios are written as plans by hand, shrinking takes parts away.
import type { Durability } from '../../node/api.ts'
import type { Fault } from './fault.ts'

/** Milliseconds of virtual time, as everywhere in plans: people write them. */
export type Millis = number

export interface Plan {
  readonly name: string
  /** What chance is drawn from: the same plan under another seed meets other delays and losses. */
  readonly seed: string
  readonly machines: readonly PlannedMachine[]
  readonly network: PlannedNetwork
  readonly disk: PlannedDisk
  readonly peer: PlannedPeer
  /** What goes wrong, in any order. */
  readonly faults: readonly Fault[]
  readonly clients: readonly PlannedClient[]
  readonly operations: readonly Operation[]
  /** How long faults and operations go on: the safety phase. */
  readonly chaosMs: Millis
  /** How long the healed core then has to converge: the liveness phase. */
  readonly settleMs: Millis
  /** Machines that are healed and restarted for the liveness phase; what is wrong with the others stays wrong. */
  readonly core: readonly string[]
}

export interface PlannedMachine {
  readonly name: string
  readonly zone: string
  readonly weight: number
}

/** Who does operations, and the machine whose peer it asks for as long as that one answers. */
export interface PlannedClient {
  readonly name: string
  readonly machine: string
  /** It asks another peer each time, any, and carries the token of its last answer there. */
  readonly roams?: boolean | undefined
}

export interface PlannedNetwork {
  readonly latencyMinMs: number
  /** Mean of what comes on top of the floor. */
  readonly latencyMeanMs: number
  readonly lossPerMillion: number
  readonly duplicatePerMillion: number
  /** 0: without limit. */
  readonly bytesPerMs: number
}

export interface PlannedDisk {
  readonly syncMeanMs: number
  readonly readMeanMs: number
}

/** Settings of every peer; the others keep their defaults. */
export interface PlannedPeer {
  readonly shardCount: number
  readonly replicationFactor: number | 'all'
  readonly hydratedSessionsMax: number
  /** Without gossip of changes: anti-entropy alone must do. */
  readonly gossip: boolean
  /** Without it sessions live for ever, and deletions are remembered for longer than any run. */
  readonly life?: PlannedLife | undefined
}

/** How sessions come to their end. */
export interface PlannedLife {
  /** How long each may lie untouched; 0: for ever. */
  readonly ttlMs: Millis
  /** How long deletions are remembered; 0: for longer than any run. */
  readonly retentionMs: Millis
}

/** What a client can do to a session by itself. */
export const OPERATION_KINDS = [
  'create',
  'set',
  'unset',
  'push',
  'pull',
  'type',
  'erase',
  'touch',
  'read',
  'terminate',
] as const

/** What a client does to a session. `tag` is unique, so that it can be found for ever. */
export interface Operation {
  readonly at: Millis
  readonly tag: string
  readonly client: string
  readonly session: string
  /** `call`: a function of whoever wrote the scenario. */
  readonly kind: (typeof OPERATION_KINDS)[number] | 'call'
  /** Key of the map, for `set` and `unset`; name of the function, for `call`. */
  readonly key: string
  readonly durability: Durability
}
