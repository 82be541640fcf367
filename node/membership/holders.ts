// Which live peers say that they hold something of which shard. Kept from one heartbeat to the next: one that says
// something new costs what it names, not a look at all members.
import type { PeerId } from '../../transport/port.ts'
import type { HeldState } from '../api.ts'
import type { MemberRecord } from './view.ts'

/** Another live peer's own word on a shard. */
export interface Holder {
  readonly peer: PeerId
  readonly boot: string
  readonly state: HeldState
  readonly root: Uint8Array
}

interface Placed extends Holder {
  readonly place: number
}

export class Holders {
  /** In the order in which the peers were first heard of. */
  readonly #byShard = new Map<number, readonly Placed[]>()
  /** Shards under which each peer is listed now. */
  readonly #shardsOf = new Map<PeerId, readonly number[]>()

  of(shard: number): readonly Holder[] {
    return this.#byShard.get(shard) ?? []
  }

  /** Takes in what has changed in the record, or with its status. */
  update({ info: { peer, boot, holdings }, status, place }: MemberRecord): void {
    for (const shard of this.#shardsOf.get(peer) ?? []) {
      this.#byShard.set(
        shard,
        (this.#byShard.get(shard) ?? []).filter((holder) => holder.peer !== peer),
      )
    }
    this.#shardsOf.delete(peer)
    if (status !== 'alive' && status !== 'suspect') return
    for (const [shard, held] of holdings) this.#insert(shard, { peer, boot, place, ...held })
    if (holdings.size > 0) this.#shardsOf.set(peer, [...holdings.keys()])
  }

  #insert(shard: number, holder: Placed): void {
    const holders = this.#byShard.get(shard) ?? []
    const after = holders.findIndex(({ place }) => place > holder.place)
    this.#byShard.set(shard, after < 0 ? [...holders, holder] : holders.toSpliced(after, 0, holder))
  }
}
