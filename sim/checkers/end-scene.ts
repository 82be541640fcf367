// What is left when all is over: what clients were told, what lies on the disks, what the peers last said. Checkers that
// judge the end need no more than this, and real processes leave it behind as well as simulated ones.
import type { StoredSession } from '../../node/ports/store.ts'
import type { Member, ShardStatus } from '../../node/api.ts'
import type { Plan } from '../plan/plan.ts'
import type { History } from '../workload/history.ts'
import type { Micros } from '../world/loop.ts'
import type { CheckerKind, Report, Watcher } from './checker.ts'
import type { Copies } from './copies.ts'
import type { Shadows } from './shadows.ts'

export interface EndScene {
  readonly plan: Plan
  readonly world: EndWorld
  readonly history: History
  /** What is on the disks, as documents. */
  readonly shadows: Shadows
  /** What was acknowledged, and on which of them it is. */
  readonly copies: Copies
}

export interface EndWorld {
  readonly now: Micros
  readonly machines: ReadonlyMap<string, EndMachine>
  /** @throws Error for a name that no machine has */
  machine(name: string): EndMachine
}

export interface EndMachine {
  readonly name: string
  readonly isRunning: boolean
  /** Whether a second process runs under its key. */
  readonly hasTwin: boolean
  /** Peer id of the process that runs there, or ran last. */
  readonly lastPeerId: string
  /** Peer ids of all that ever ran there. */
  readonly peerIds: ReadonlySet<string>
  readonly peer:
    | { members(): readonly Member[]; readonly replication: { shards(): readonly ShardStatus[] } }
    | undefined
  readonly disk: EndDisk
  /** Disks of first processes that run on beside a second. */
  readonly hiddenDisks: ReadonlySet<Pick<EndDisk, 'stored'>>
}

export interface EndDisk {
  /** Ids of the sessions on it, in order. */
  sessions(): readonly string[]
  stored(session: string): StoredSession | undefined
  /** As SimDisk has it. */
  generationOf(session: string): number
  isDamaged(session: string): boolean
}

/** A checker that can also judge what real processes have left behind. */
export interface EndCheckerKind extends CheckerKind {
  make(scene: EndScene, report: Report): Watcher
}
