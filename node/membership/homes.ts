// Which peer is home of which session, and what a change of view does to that: failover is noticed here, not decided.
import type { PeerId } from '../../transport/port.ts'
import type { Catalog } from '../sessions/catalog.ts'
import type { Entry } from '../sessions/entry.ts'
import { Emitter } from '../util/emitter.ts'
import type { Membership } from './membership.ts'
import { homeOf, type Candidate } from './placement.ts'

export interface HomesOptions {
  readonly membership: Membership
  readonly catalog: () => Catalog
  readonly shardCount: number
  readonly self: () => PeerId
  readonly onError: (error: unknown) => void
}

/** Sessions that had one home before a change of view, and have another now. */
interface Moved {
  readonly from: PeerId
  readonly entries: readonly Entry[]
}

export interface Takeover extends Moved {
  /** Whether the old home has died or left. */
  readonly isGone: boolean
}

interface HomesEvents {
  /** Their home is here now. */
  takeover: (takeover: Takeover) => void
  /** Their old home has died or left, whoever is home now. Comes after `takeover`. */
  lost: (lost: Moved) => void
}

export class Homes {
  readonly events: Emitter<HomesEvents>
  readonly #options: HomesOptions
  #shards: readonly PeerId[] = []
  #candidates: readonly Candidate[] = []

  constructor(options: HomesOptions) {
    this.#options = options
    this.events = new Emitter(options.onError)
  }

  start(): () => void {
    this.#shards = this.#compute()
    this.#candidates = this.#options.membership.candidates()
    return this.#options.membership.events.on('view', () => this.#changed())
  }

  of(entry: Entry): PeerId {
    const { membership } = this.#options
    if (entry.pin !== undefined) return membership.homeOf(entry.shard, entry.pin)
    return this.#shards[entry.shard] ?? membership.homeOf(entry.shard)
  }

  /** Sessions whose home this peer is. */
  own(): number {
    return this.byPeer()[this.#options.self()] ?? 0
  }

  /** Known sessions by home. */
  byPeer(): Record<string, number> {
    const counts: Record<string, number> = {}
    for (const entry of this.#options.catalog().entries()) {
      if (entry.terminatedAt !== undefined) continue
      const home = this.of(entry)
      counts[home] = (counts[home] ?? 0) + 1
    }
    return counts
  }

  #changed(): void {
    const { membership, self } = this.#options
    const [shards, candidates] = [this.#shards, this.#candidates]
    this.#shards = this.#compute()
    this.#candidates = membership.candidates()
    if (this.#isAsBefore(shards, candidates)) return
    const moved = new Map<PeerId, Entry[]>()
    for (const entry of this.#options.catalog().entries()) {
      if (entry.terminatedAt !== undefined) continue
      const from = entry.pin === undefined ? shards[entry.shard] : homeOf(entry.shard, candidates, entry.pin)
      if (from === undefined || from === this.of(entry)) continue
      const entries = moved.get(from) ?? []
      moved.set(from, entries)
      entries.push(entry)
    }
    for (const [from, entries] of moved) {
      const status = membership.get(from)?.status
      const isGone = from !== self() && status !== 'alive' && status !== 'suspect'
      const taken = entries.filter((entry) => this.of(entry) === self())
      if (taken.length > 0) this.events.emit('takeover', { from, entries: taken, isGone })
      if (isGone) this.events.emit('lost', { from, entries })
    }
  }

  /** Homes of sessions without a pin and, since any live peer may be the pin of some, the live peers. */
  #isAsBefore(shards: readonly PeerId[], candidates: readonly Candidate[]): boolean {
    const [before, now] = [candidates, this.#candidates].map((all) =>
      all
        .map(({ peer }) => peer)
        .toSorted()
        .join(),
    )
    return before === now && this.#shards.every((home, shard) => home === shards[shard])
  }

  #compute(): PeerId[] {
    const { membership, shardCount } = this.#options
    return Array.from({ length: shardCount }, (_, shard) => membership.homeOf(shard))
  }
}
