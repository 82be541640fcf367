// Failover on purpose: hand every home of this peer to another by naming it as delegate in the heartbeat. No session
// is written to; everyone computes the new homes from the new view.
import { SessionMeshError } from '../crdt/errors.ts'
import type { PeerId } from '../transport/port.ts'
import type { Failover as FailoverApi, FailoverStatus } from './api.ts'
import type { Homes } from './membership/homes.ts'
import type { Membership } from './membership/membership.ts'
import type { Clock } from './ports/clock.ts'
import type { Replication } from './replication/replication.ts'
import { until } from './util/timers.ts'

const TIMEOUT_DEFAULT_MS = 10_000
const LOOK_INTERVAL_MS = 5

export interface FailoverOptions {
  readonly membership: Membership
  readonly homes: Homes
  readonly replication: Replication
  readonly clock: Clock
  readonly self: () => PeerId
}

export class Failover implements FailoverApi {
  readonly #options: FailoverOptions
  /** Takeovers by this peer since it started. */
  takeovers = 0

  constructor(options: FailoverOptions) {
    this.#options = options
  }

  status(): FailoverStatus {
    const { membership, homes } = this.#options
    return {
      homes: homes.own(),
      delegate: membership.delegate,
      draining: membership.draining,
      homesByPeer: homes.byPeer(),
      failovers: this.takeovers,
    }
  }

  async execute(to: string): Promise<FailoverStatus> {
    this.#options.membership.setDelegate(this.#target(to))
    return this.status()
  }

  async graceful(to: string, options: { timeoutMs?: number } = {}): Promise<FailoverStatus> {
    const target = this.#target(to)
    await this.#options.replication
      .ensureSynced({ timeoutMs: options.timeoutMs ?? TIMEOUT_DEFAULT_MS })
      .catch((cause) => {
        throw new SessionMeshError('FAILOVER_NOT_READY', `${to} does not hold every session yet`, { cause })
      })
    this.#options.membership.setDelegate(target)
    return this.completed(options)
  }

  async failback(): Promise<FailoverStatus> {
    this.#options.membership.setDelegate(null)
    return this.status()
  }

  async completed(options: { timeoutMs?: number } = {}): Promise<FailoverStatus> {
    const { membership, clock } = this.#options
    const timeoutMs = options.timeoutMs ?? TIMEOUT_DEFAULT_MS
    await until(clock, () => membership.settingsConfirmed(), {
      timeoutMs,
      intervalMs: LOOK_INTERVAL_MS,
      what: 'every live peer to hear of the delegate',
    })
    return this.status()
  }

  /** @throws PEER_NOT_FOUND, PEER_UNREACHABLE */
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
    return record.info.peer
  }
}
