// Which peer is home of which session, and what a change of view does to that: failover is noticed here, not decided.
import type { PeerId } from '../../transport/port.ts'
import type { Catalog } from '../sessions/catalog.ts'
import type { Entry } from '../sessions/entry.ts'
import type { Membership } from './membership.ts'

export interface HomesOptions {
  readonly membership: Membership
  readonly catalog: () => Catalog
  readonly shardCount: number
  readonly self: () => PeerId
  /** Sessions whose home came here because of a change of view, by the home they had. */
  readonly onTakeover: (from: PeerId, sessions: readonly Entry[]) => void
}

export class Homes {
  readonly #options: HomesOptions
  #shards: readonly PeerId[] = []

  constructor(options: HomesOptions) {
    this.#options = options
  }

  start(): () => void {
    this.#shards = this.#compute()
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
    const before = this.#shards
    this.#shards = this.#compute()
    const self = this.#options.self()
    const taken = this.#shards.flatMap((home, shard) => (home === self && before[shard] !== self ? [shard] : []))
    if (taken.length === 0) return
    const moved = new Map<PeerId, Entry[]>()
    const shards = new Set(taken)
    for (const entry of this.#options.catalog().entries()) {
      const from = before[entry.shard]
      if (from === undefined || !shards.has(entry.shard) || entry.terminatedAt !== undefined) continue
      if (this.of(entry) !== self) continue
      const entries = moved.get(from) ?? []
      moved.set(from, entries)
      entries.push(entry)
    }
    for (const [from, entries] of moved) this.#options.onTakeover(from, entries)
  }

  #compute(): PeerId[] {
    const { membership, shardCount } = this.#options
    return Array.from({ length: shardCount }, (_, shard) => membership.homeOf(shard))
  }
}
