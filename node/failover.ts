// Failover on purpose: to one other peer, by naming it as delegate in the heartbeat, or to all of them, by draining. No
// session is written to; everyone computes homes and replicas from the new view. What is graceful about it comes before:
// those that are to take over have proved that they hold everything.
import { hasCode, SessionMeshError } from '../crdt/errors.ts'
import type { PeerId } from '../transport/port.ts'
import type {
  Failover as FailoverApi,
  FailoverStatus,
  HandoverOptions as HandoverLimits,
  HandoverStatus,
  SyncProgress,
} from './api.ts'
import type { Homes } from './membership/homes.ts'
import type { Membership } from './membership/membership.ts'
import type { ReplicaSets } from './membership/replica-sets.ts'
import type { Clock } from './ports/clock.ts'
import type { Handing } from './replication/handover.ts'
import type { Replication } from './replication/replication.ts'
import { until } from './util/timers.ts'

const TIMEOUT_DEFAULT_MS = 10_000
const GRACEFUL_TIMEOUT_DEFAULT_MS = 60_000
const DRAIN_TIMEOUT_DEFAULT_MS = 300_000
const LOOK_INTERVAL_MS = 5

export interface FailoverOptions {
  readonly membership: Membership
  readonly sets: ReplicaSets
  readonly homes: Homes
  readonly replication: Replication
  readonly clock: Clock
  readonly self: () => PeerId
  /** Nothing, if there is no place for one. */
  readonly takeSnapshot: () => Promise<void>
  readonly onHandover: (status: HandoverStatus) => void
}

export class Failover implements FailoverApi {
  readonly #options: FailoverOptions
  #handover: HandoverStatus | null = null
  /** Takeovers by this peer since it started. */
  takeovers = 0

  constructor(options: FailoverOptions) {
    this.#options = options
  }

  status(): FailoverStatus {
    const { membership, homes } = this.#options
    const { delegate, draining } = membership.settings
    return {
      homes: homes.own(),
      delegate,
      draining,
      handover: this.#handover,
      homesByPeer: homes.byPeer(),
      failovers: this.takeovers,
    }
  }

  async execute(to: string): Promise<FailoverStatus> {
    this.#options.membership.announceSettings({ delegate: this.#target(to), heir: null })
    return this.status()
  }

  async graceful(to: string, options: HandoverLimits & { readonly snapshot?: boolean } = {}): Promise<FailoverStatus> {
    const { membership, homes, self, takeSnapshot } = this.#options
    const target = this.#target(to)
    const timeoutMs = options.timeoutMs ?? GRACEFUL_TIMEOUT_DEFAULT_MS
    // It keeps what is kept here from now on, so that what it has proved stays so until it is home.
    membership.announceSettings({ heir: target })
    try {
      await this.#handOver(
        { kind: 'graceful', to: target },
        { ...options, timeoutMs },
        {
          isGiven: (entry) => homes.of(entry) === self(),
          heirs: () => [target],
          isWanted: () => membership.settings.heir === target,
        },
      )
      if (options.snapshot !== false) await takeSnapshot()
    } catch (cause) {
      if (membership.settings.heir === target) membership.announceSettings({ heir: null })
      throw notReady(`nothing was handed over to ${to}`, cause)
    }
    membership.announceSettings({ delegate: target, heir: null })
    await this.#heard(TIMEOUT_DEFAULT_MS)
    return this.status()
  }

  async drain(options: HandoverLimits & { readonly leaving?: boolean } = {}): Promise<FailoverStatus> {
    const { membership, sets, replication } = this.#options
    this.#assertCompany()
    if (options.leaving === true) replication.keepCopies()
    membership.announceSettings({ draining: true, delegate: null, heir: null })
    const limits = { ...options, timeoutMs: options.timeoutMs ?? DRAIN_TIMEOUT_DEFAULT_MS }
    try {
      await this.#handOver({ kind: 'drain', to: null }, limits, {
        // Where all of the mesh drains, some of it may be nobody else's.
        isGiven: ({ shard }) => !sets.of(shard).self || sets.of(shard).others.length > 0,
        heirs: (shard) => sets.of(shard).others,
        isWanted: () => membership.settings.draining,
      })
    } catch (cause) {
      throw notReady('not everything is handed over yet', cause)
    }
    await this.#heard(TIMEOUT_DEFAULT_MS)
    return this.status()
  }

  async failback(): Promise<FailoverStatus> {
    this.#options.membership.announceSettings({ delegate: null, heir: null, draining: false })
    return this.status()
  }

  async completed(options: { timeoutMs?: number } = {}): Promise<FailoverStatus> {
    const timeoutMs = options.timeoutMs ?? TIMEOUT_DEFAULT_MS
    await until(this.#options.clock, () => this.#handover?.state !== 'running', {
      timeoutMs,
      intervalMs: LOOK_INTERVAL_MS,
      what: 'everything to be handed over',
    })
    if (this.#handover?.state === 'failed') {
      const { kind, done, total } = this.#handover
      throw new SessionMeshError('FAILOVER_NOT_READY', `the last ${kind} ended at ${done} of ${total} sessions`)
    }
    await this.#heard(timeoutMs)
    return this.status()
  }

  #heard(timeoutMs: number): Promise<void> {
    const { membership, clock } = this.#options
    const what = 'every live peer to hear of it'
    return until(clock, () => membership.settingsConfirmed(), { timeoutMs, intervalMs: LOOK_INTERVAL_MS, what })
  }

  async #handOver(
    what: Pick<HandoverStatus, 'kind' | 'to'>,
    { timeoutMs, onProgress }: HandoverLimits & { readonly timeoutMs: number },
    handing: Pick<Handing, 'isGiven' | 'heirs'> & { readonly isWanted: () => boolean },
  ): Promise<void> {
    const { clock, replication } = this.#options
    const deadline = clock.monotonic() + timeoutMs
    let last: SyncProgress = { done: 0, total: 0 }
    const tell = (state: HandoverStatus['state'], refused = 0) => {
      this.#handover = { ...what, state, ...last, refused }
      this.#options.onHandover(this.#handover)
    }
    tell('running')
    try {
      const { refused } = await replication.handOver({
        ...handing,
        assertWanted: () => {
          if (!handing.isWanted()) throw new SessionMeshError('FAILOVER_NOT_READY', 'it was called off')
          this.#assertCompany()
          if (clock.monotonic() < deadline) return
          throw new SessionMeshError('REQUEST_TIMEOUT', `${last.done} of ${last.total} sessions in ${timeoutMs} ms`)
        },
        onProgress: (progress) => {
          const isNews = progress.done !== last.done || progress.total !== last.total
          last = progress
          if (isNews) tell('running')
          onProgress?.(progress)
        },
      })
      tell('done', refused)
    } catch (error) {
      tell('failed')
      throw error
    }
  }

  /** @throws FAILOVER_NOT_READY */
  #assertCompany(): void {
    if (this.#options.membership.live().some(({ info }) => info.weight > 0)) return
    throw new SessionMeshError('FAILOVER_NOT_READY', 'there is no other live peer that keeps anything')
  }

  /** @throws PEER_NOT_FOUND, PEER_UNREACHABLE, FAILOVER_NOT_READY */
  #target(to: string): PeerId {
    const { membership, self } = this.#options
    const record = membership.records().find(({ info }) => info.peer === to || info.name === to)
    if (record === undefined || record.info.peer === self()) {
      const names = membership.live().map(({ info }) => info.name)
      throw new SessionMeshError(
        'PEER_NOT_FOUND',
        `no other peer ${JSON.stringify(to)}; live: ${names.join(', ') || 'none'}`,
      )
    }
    if (record.status !== 'alive') {
      throw new SessionMeshError('PEER_UNREACHABLE', `peer ${to} is ${record.status}`)
    }
    if (record.info.draining) throw new SessionMeshError('FAILOVER_NOT_READY', `peer ${to} is draining itself`)
    return record.info.peer
  }
}

function notReady(what: string, cause: unknown): SessionMeshError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  if (hasCode(cause, 'PEER_NOT_RUNNING')) return cause as SessionMeshError
  return new SessionMeshError('FAILOVER_NOT_READY', `${what}: ${reason}`, { cause })
}
