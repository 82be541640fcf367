// Comparing and repairing on request: what anti-entropy does by itself, now, with everyone, and with a report.
import { isUnreachable, SessionMeshError } from '../../crdt/errors.ts'
import type { PeerId } from '../../transport/port.ts'
import type { Membership } from '../membership/membership.ts'
import type { ReplicaSets } from '../membership/replica-sets.ts'
import type { Clock } from '../ports/clock.ts'
import type { Entry } from '../sessions/entry.ts'
import { delay, until } from '../util/timers.ts'
import type {
  ConsistencyReport,
  InconsistentSession,
  OnSyncProgress,
  PendingTransfer,
  ReconcileReport,
  Sync,
  SyncProgress,
  SyncStatus,
} from './api.ts'
import type { AckLedger } from './acked.ts'
import { confirmSessions, type Confirming, type Unconfirmed } from './confirming.ts'
import type { ExchangeOptions } from './exchange-server.ts'
import { differingSessions, exchange } from './exchange.ts'
import type { Following } from './following.ts'
import { isWhole } from './holdings.ts'
import type { Outbox } from './outbox.ts'
import type { RepairSchedule } from './repair.ts'

/** Shards of one peer compared at a time: what progress is counted in. */
const SHARDS_AT_ONCE = 8
const ENSURE_TIMEOUT_DEFAULT_MS = 30_000
/** Ids named in a report. */
const NAMED_MAX = 1_000

export interface ReconciliationOptions {
  readonly clock: Clock
  readonly membership: Membership
  readonly sets: ReplicaSets
  readonly ledger: AckLedger
  readonly shardCount: number
  /** How long a difference must last to be more than a change on its way. */
  readonly syncIntervalMs: number
  /** Undefined until the peer has joined. */
  readonly parts: () => Joined | undefined
  readonly onCompared: (peer: PeerId, shards: readonly number[]) => void
  readonly following: Following
  readonly onError: (error: unknown) => void
}

interface Joined {
  readonly exchange: ExchangeOptions
  readonly repair: RepairSchedule
  readonly outbox: Pick<Outbox, 'waitingBytes'>
}

interface EnsureOptions {
  readonly timeoutMs?: number
  readonly onProgress?: OnSyncProgress
}

/** One peer with some of the shards that both hold as a whole. */
interface Step {
  readonly peer: PeerId
  readonly shards: readonly number[]
}

export class Reconciliation implements Sync {
  readonly #options: ReconciliationOptions

  constructor(options: ReconciliationOptions) {
    this.#options = options
  }

  status(): SyncStatus {
    const pending = this.pending()
    const frames = pending.reduce((sum, { pendingFrames }) => sum + pendingFrames, 0)
    const lagMs = Math.max(0, ...pending.map((each) => each.lagMs))
    return { syncState: pending.length === 0 ? 'synced' : 'syncing', pendingCount: pending.length, frames, lagMs }
  }

  pending(): PendingTransfer[] {
    const { clock, ledger, membership, parts } = this.#options
    const now = clock.monotonic()
    return membership.live().flatMap(({ info: { peer, name } }) => {
      const pendingFrames = ledger.pendingFrames(peer)
      const differingShards = parts()?.repair.differingWith(peer) ?? []
      if (pendingFrames === 0 && differingShards.length === 0) return []
      return [{ peer, name, pendingFrames, lagMs: ledger.lagMs(peer, now), differingShards }]
    })
  }

  async forceTransfer(to: string, { onProgress }: { onProgress?: OnSyncProgress } = {}): Promise<SyncProgress> {
    const live = this.#options.membership.live().map(({ info }) => info)
    const peers = live.filter(({ peer, name }) => to === 'all' || to === peer || to === name)
    if (peers.length === 0 && to !== 'all') {
      const names = live.map(({ name }) => name).join(', ')
      throw new SessionMeshError('PEER_NOT_FOUND', `no other live peer ${JSON.stringify(to)}; live: ${names || 'none'}`)
    }
    const total = peers.length
    onProgress?.({ done: 0, total })
    for (const [index, { peer }] of peers.entries()) {
      await this.#joined().repair.now(peer)
      onProgress?.({ done: index + 1, total })
    }
    return { done: total, total }
  }

  /** Resolves once every replica holds what this peer held when called. @throws REPLICATION_TIMEOUT */
  async ensure({ timeoutMs = ENSURE_TIMEOUT_DEFAULT_MS, onProgress }: EnsureOptions): Promise<void> {
    const { clock, ledger, sets, shardCount } = this.#options
    const { exchange: ours, outbox } = this.#joined()
    await ours.catalog.journal.flush()
    await this.forceTransfer('all', onProgress === undefined ? {} : { onProgress })
    const targets = Array.from({ length: shardCount }, (_, shard) => ledger.last(shard))
    const holds = () =>
      outbox.waitingBytes === 0 &&
      targets.every((seq, shard) => sets.of(shard).others.every((peer) => ledger.holds(peer, shard, seq)))
    await until(clock, holds, { timeoutMs, intervalMs: 20, what: 'ensureSynced' }).catch((cause: unknown) => {
      throw new SessionMeshError('REPLICATION_TIMEOUT', `not every replica caught up within ${timeoutMs} ms`, { cause })
    })
  }

  /** Looks twice, for a difference is natural while changes are on their way. */
  async validate({ onProgress }: { onProgress?: OnSyncProgress } = {}): Promise<ConsistencyReport> {
    const { clock, syncIntervalMs, membership, parts } = this.#options
    const steps = this.#steps()
    const first = await this.#differing(steps, onProgress)
    const suspects = steps.filter((step) => first.differing.has(step))
    if (suspects.length > 0) await delay(clock, syncIntervalMs)
    const second = await this.#differing(suspects)
    const differs = new Map<string, string[]>()
    for (const [step, sessions] of second.differing) {
      for (const session of sessions) {
        if (first.differing.get(step)?.has(session) !== true) continue
        const others = differs.get(session) ?? []
        differs.set(session, others)
        others.push(membership.get(step.peer)?.info.name ?? step.peer)
      }
    }
    const inconsistent: InconsistentSession[] = [...differs]
      .map(([session, peers]) => ({ session, peers }))
      .toSorted((a, b) => (a.session < b.session ? -1 : 1))
    const unanswered = this.#names(new Set([...first.unanswered, ...second.unanswered]))
    return {
      consistent: inconsistent.length === 0 && unanswered.length === 0,
      sessions: parts()?.exchange.catalog.size ?? 0,
      peers: this.#names(new Set(steps.map(({ peer }) => peer))),
      unanswered,
      inconsistentCount: inconsistent.length,
      inconsistent: inconsistent.slice(0, NAMED_MAX),
    }
  }

  async reconcile({ onProgress }: { onProgress?: OnSyncProgress } = {}): Promise<ReconcileReport> {
    const { exchange: ours, repair } = this.#joined()
    const steps = this.#steps()
    const counts = { differing: 0, pulled: 0, pushed: 0 }
    const refused = new Set<PeerId>()
    const unanswered = await this.#each(steps, onProgress, async ({ peer, shards }) => {
      const result = await exchange(ours, peer, shards)
      counts.differing += result.differing
      counts.pulled += result.pulled
      counts.pushed += result.pushed
      if (result.refused) refused.add(peer)
      this.#options.onCompared(peer, result.compared)
    })
    // And what is here of shards that others keep.
    for (const { info, status } of this.#options.membership.live()) {
      if (status === 'alive' && !unanswered.has(info.peer)) await repair.now(info.peer)
    }
    const peers = this.#names(new Set(steps.map(({ peer }) => peer)))
    return { ...counts, peers, refused: this.#names(refused), unanswered: this.#names(unanswered) }
  }

  /** See confirmSessions. @throws PEER_NOT_RUNNING */
  async confirm(entries: readonly Entry[], confirming: Confirming): Promise<ReadonlyMap<Entry, Unconfirmed>> {
    return confirmSessions({ ...this.#options, exchange: this.#joined().exchange }, entries, confirming)
  }

  async #differing(steps: readonly Step[], onProgress?: OnSyncProgress) {
    const { exchange: ours } = this.#joined()
    const differing = new Map<Step, ReadonlySet<string>>()
    const unanswered = await this.#each(steps, onProgress, async (step) => {
      const sessions = await differingSessions(ours, step.peer, step.shards)
      if (sessions.size > 0) differing.set(step, sessions)
    })
    return { differing, unanswered }
  }

  /** Takes one step after the other; returns the peers that could not be asked. */
  async #each(
    steps: readonly Step[],
    onProgress: OnSyncProgress | undefined,
    take: (step: Step) => Promise<void>,
  ): Promise<ReadonlySet<PeerId>> {
    const unanswered = new Set<PeerId>()
    onProgress?.({ done: 0, total: steps.length })
    for (const [index, step] of steps.entries()) {
      try {
        if (!unanswered.has(step.peer)) await take(step)
      } catch (error) {
        if (!isUnreachable(error)) throw error
        unanswered.add(step.peer)
      }
      onProgress?.({ done: index + 1, total: steps.length })
    }
    return unanswered
  }

  #steps(): Step[] {
    const { membership, shardCount } = this.#options
    const { holdings } = this.#joined().exchange
    const own = Array.from({ length: shardCount }, (_, shard) => shard).filter((shard) => holdings.isCurrent(shard))
    return membership.live().flatMap(({ info }) => {
      const shared = own.filter((shard) => isWhole(info.holdings.get(shard)?.state))
      const count = Math.ceil(shared.length / SHARDS_AT_ONCE)
      return Array.from({ length: count }, (_, step) => {
        return { peer: info.peer, shards: shared.slice(step * SHARDS_AT_ONCE, (step + 1) * SHARDS_AT_ONCE) }
      })
    })
  }

  #names(peers: Iterable<PeerId>): string[] {
    return [...peers].map((peer) => this.#options.membership.get(peer)?.info.name ?? peer)
  }

  #joined(): Joined {
    const parts = this.#options.parts()
    if (parts === undefined) throw new SessionMeshError('PEER_NOT_RUNNING', 'the peer has not joined the mesh yet')
    return parts
  }
}
