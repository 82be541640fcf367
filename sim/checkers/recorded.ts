// Judges what real processes have left behind, with the checkers that judge the simulated ones.
import type { Member, SessionView, ShardStatus } from '../../node/api.ts'
import type { StoredSession } from '../../node/ports/store.ts'
import type { Plan } from '../plan/plan.ts'
import type { History } from '../workload/history.ts'
import type { Micros } from '../world/loop.ts'
import type { Violation, Watcher } from './checker.ts'
import { convergence } from './convergence.ts'
import { Copies } from './copies.ts'
import { deleted } from './deleted.ts'
import { isTerminated } from './document.ts'
import type { EndCheckerKind, EndMachine, EndScene } from './end-scene.ts'
import { FinalReads } from './final-reads.ts'
import { membership } from './membership.ts'
import { noInvention } from './no-invention.ts'
import { noLostWrite } from './no-lost-write.ts'
import { oneHome } from './one-home.ts'
import { isConverged } from './replicas.ts'
import { served } from './served.ts'
import { Shadows } from './shadows.ts'
import { uniqueIds } from './unique-ids.ts'

/** Those that need to see no more than the end. */
const END_CHECKERS: readonly EndCheckerKind[] = [
  noLostWrite,
  uniqueIds,
  convergence,
  served,
  deleted,
  noInvention,
  oneHome,
  membership,
]

export interface Recording {
  readonly plan: Plan
  readonly history: History
  /** Since the beginning. */
  readonly now: Micros
  readonly machines: readonly RecordedMachine[]
}

export interface RecordedMachine {
  readonly name: string
  readonly peerId: string
  /** What it said when all was over: who is there, who keeps what, the hash over all its sessions, and its answer for each. */
  readonly members: readonly Member[]
  readonly shards: readonly ShardStatus[]
  readonly contentHash: { readonly sessions: number; readonly hash: string }
  readonly answers: readonly RecordedAnswer[]
  /** What lay on its disk after that. */
  readonly stored: ReadonlyMap<string, StoredSession>
}

/** `error` is empty with a view. */
export interface RecordedAnswer {
  readonly session: string
  readonly view: SessionView | undefined
  readonly error: string
}

export function judge(recording: Recording): Violation[] {
  const violations: Violation[] = []
  const scene = sceneOf(recording)
  const watchers = END_CHECKERS.map((kind) =>
    kind.make(scene, (message, machines = []) => {
      violations.push({ checker: kind.name, at: recording.now, message, machines })
    }),
  )
  for (const watcher of watchers) tellOfRecords(recording, watcher)
  const ending = {
    isConverged: isConverged(scene),
    reads: readsOf(recording, scene.shadows),
    idleFor: 0,
    isQuiet: true,
  }
  for (const watcher of watchers) watcher.atEnd?.(ending)
  return violations
}

function sceneOf({ plan, history, now, machines }: Recording): EndScene {
  const byName = new Map(machines.map((machine) => [machine.name, endMachine(machine)]))
  const world = {
    now,
    machines: byName,
    machine(name: string): EndMachine {
      const machine = byName.get(name)
      if (machine === undefined) throw new Error(`there is no machine ${name}`)
      return machine
    },
    listen: () => {}, // nothing changes any more
  }
  const shadows = new Shadows(world)
  return { plan, world, history, shadows, copies: new Copies(world, history, shadows) }
}

function endMachine({ name, peerId, members, shards, stored }: RecordedMachine): EndMachine {
  return {
    name,
    isRunning: true,
    hasTwin: false,
    lastPeerId: peerId,
    peerIds: new Set([peerId]),
    peer: { members: () => members, replication: { shards: () => shards } },
    hiddenDisks: new Set(),
    disk: {
      sessions: () => [...stored.keys()].toSorted(),
      stored: (session) => stored.get(session),
      generationOf: () => 0,
      isDamaged: () => false,
    },
  }
}

function tellOfRecords({ machines }: Recording, watcher: Watcher): void {
  for (const { name, stored } of machines) {
    for (const [session, { tail }] of stored) {
      for (const record of tail) watcher.onSynced?.(name, session, record)
    }
  }
}

function readsOf({ machines }: Recording, shadows: Shadows): FinalReads {
  const reads = new FinalReads()
  for (const { name, answers, contentHash } of machines) {
    reads.hashes.set(name, contentHash)
    // All were asked at the end, and read right after that.
    for (const answer of answers) {
      const doc = shadows.of(name, answer.session)
      reads.reads.push({ machine: name, ...answer, hasHeard: doc !== undefined && isTerminated(doc) })
    }
  }
  return reads
}
