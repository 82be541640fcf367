// On how many live peers the sessions here are, as those say, and why if that is fewer than it should be. Replicas are of
// shards: what can be said of a session follows from its shard.
import type { PeerId } from '../../transport/port.ts'
import type { Membership } from '../membership/membership.ts'
import type { ReplicaSets } from '../membership/replica-sets.ts'
import type { Catalog } from '../sessions/catalog.ts'
import { isHeld, type Entry } from '../sessions/entry.ts'
import type { Absent } from './absent.ts'
import type { PageOptions, UnderReplicated, UnderReplicatedSession } from './api.ts'
import { isWhole, type OwnHoldings } from './holdings.ts'

const LIMIT_DEFAULT = 1_000

export interface StandingOptions {
  readonly catalog: () => Catalog
  readonly membership: Membership
  readonly sets: ReplicaSets
  readonly holdings: OwnHoldings
  readonly absent: Absent
  readonly shardCount: number
}

type ShardStanding = Omit<UnderReplicatedSession, 'session'>

export class Standing {
  readonly #options: StandingOptions

  constructor(options: StandingOptions) {
    this.#options = options
  }

  /** How many sessions here are on fewer live peers than they should be. */
  count(): number {
    return this.#lacking().reduce((sum, { shard }) => sum + this.#sessions(shard).length, 0)
  }

  underReplicated({ limit = LIMIT_DEFAULT, after = '' }: PageOptions = {}): UnderReplicated {
    const lacking = this.#lacking().flatMap((standing) =>
      this.#sessions(standing.shard).map(({ id }) => ({ session: id, ...standing })),
    )
    const sessions = lacking
      .filter(({ session }) => session > after)
      .toSorted((a, b) => (a.session < b.session ? -1 : 1))
      .slice(0, limit)
    return { count: lacking.length, sessions }
  }

  #lacking(): ShardStanding[] {
    const shards = Array.from({ length: this.#options.shardCount }, (_, shard) => shard)
    return shards.flatMap((shard) => {
      const standing = this.#options.catalog().entriesOf(shard).size === 0 ? undefined : this.#standing(shard)
      return standing === undefined ? [] : [standing]
    })
  }

  #sessions(shard: number): Entry[] {
    const entries = [...this.#options.catalog().entriesOf(shard)]
    return entries.filter((entry) => entry.terminatedAt === undefined && isHeld(entry))
  }

  /** Undefined: enough peers hold the shard. */
  #standing(shard: number): ShardStanding | undefined {
    const { membership, sets, holdings, absent } = this.#options
    const wanted = this.#wanted()
    const others = sets.holders(shard).filter(({ peer, state }) => isWhole(state) && !absent.isBehind(peer, shard))
    const copies = others.length + (holdings.isCurrent(shard) ? 1 : 0)
    if (copies >= wanted) return undefined
    const { all } = sets.of(shard)
    const reasons = all.flatMap((peer) => this.#reasonOf(peer, shard) ?? [])
    if (all.length < wanted) {
      reasons.unshift(`only ${all.length} live peer${all.length === 1 ? '' : 's'} of ${membership.factor} can keep it`)
    }
    return { shard, copies, wanted, reason: reasons.join('; ') || 'the members are changing' }
  }

  /** As many as the factor says, whether there are that many peers or not. */
  #wanted(): number {
    const { membership } = this.#options
    const { factor } = membership
    return factor === 'all' ? membership.candidates().filter(({ weight }) => weight > 0).length : factor
  }

  /** Why the peer, which should keep the shard, is no copy; undefined if it is one. */
  #reasonOf(peer: PeerId, shard: number): string | undefined {
    const { membership, holdings, absent } = this.#options
    if (membership.isSelf(peer)) return holdings.isCurrent(shard) ? undefined : 'this peer is still getting it'
    const member = membership.get(peer)
    const name = member?.info.name ?? peer
    const state = member?.info.holdings.get(shard)?.state
    if (isWhole(state)) {
      return absent.isBehind(peer, shard) ? `${name} was away and has not been compared yet` : undefined
    }
    return state === 'acquiring' ? `${name} is still getting it` : `${name} does not say that it has it`
  }
}
