// Which peer is home of which session, and what a change of view does to that: failover is noticed here, not decided.
import type { PeerId } from '../../transport/port.ts'
import type { Catalog } from '../sessions/catalog.ts'
import type { Entry } from '../sessions/entry.ts'
import { Emitter } from '../util/emitter.ts'
import type { Membership } from './membership.ts'
import { homeOf, type Candidate } from './placement.ts'
import { Rankings, type Ranking } from './rankings.ts'

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

/** Only a pin counts. */
const NO_RANKING: Ranking = { claims: [], zoneCount: 0 }

export class Homes {
  readonly events: Emitter<HomesEvents>
  readonly #options: HomesOptions
  /** By `#candidates`, which is as of the last change of view that was told of here. */
  readonly #rankings = new Rankings()
  #candidates: readonly Candidate[] = []

  constructor(options: HomesOptions) {
    this.#options = options
    this.events = new Emitter(options.onError)
  }

  start(): () => void {
    this.#candidates = this.#options.membership.candidates()
    return this.#options.membership.events.on('view', () => this.#changed())
  }

  of(entry: Entry): PeerId {
    const { membership } = this.#options
    if (entry.pin !== undefined) return membership.homeOf(entry.shard, entry.pin)
    return this.#ofShard(entry.shard)
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
    const { membership, self, catalog } = this.#options
    const candidates = this.#candidates
    const shards = this.#shards()
    this.#candidates = membership.candidates()
    if (catalog().size === 0 || this.#isAsBefore(shards, candidates)) return
    const moved = new Map<PeerId, Entry[]>()
    for (const entry of this.#options.catalog().entries()) {
      if (entry.terminatedAt !== undefined) continue
      const pinned = entry.pin === undefined ? undefined : homeOf(NO_RANKING, candidates, entry.pin)
      const from = pinned ?? shards.get(entry.shard)
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

  #ofShard(shard: number): PeerId {
    return (
      homeOf(this.#rankings.of(shard, this.#candidates), this.#candidates) ?? this.#options.membership.homeOf(shard)
    )
  }

  /** Of those shards of which anything is here, for sessions without a pin that is alive. */
  #shards(): Map<number, PeerId> {
    const { catalog, shardCount } = this.#options
    const shards = new Map<number, PeerId>()
    for (let shard = 0; shard < shardCount; shard++) {
      if (catalog().entriesOf(shard).size > 0) shards.set(shard, this.#ofShard(shard))
    }
    return shards
  }

  /** Also if, since any live peer may be the pin of some, the live peers are the same. */
  #isAsBefore(shards: ReadonlyMap<number, PeerId>, candidates: readonly Candidate[]): boolean {
    const now = this.#candidates
    const isSame = candidates.length === now.length && candidates.every(({ peer }, index) => peer === now[index]?.peer)
    return isSame && [...shards].every(([shard, home]) => home === this.#ofShard(shard))
  }
}
