// Which live peers say that they hold something of which shard. Kept from one heartbeat to the next: one that says
// something new costs what it names, not a look at all members.
import type { PeerId } from '../../transport/port.ts'
import type { HeldState } from '../api.ts'
import { placeIn } from '../util/ordered.ts'
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

/** Those of one shard, in the order in which the peers were first heard of. */
interface Shard {
  readonly holders: Placed[]
  /** How often it has changed which peers hold the shard, or are on the way to that or from it. */
  changes: number
}

const NONE: Shard = { holders: [], changes: 0 }

export class Holders {
  readonly #shards = new Map<number, Shard>()
  /** What each peer is listed with now. */
  readonly #listed = new Map<PeerId, MemberRecord['info']['holdings']>()

  /** To be read at once: the list is the one that is kept. */
  of(shard: number): readonly Holder[] {
    return (this.#shards.get(shard) ?? NONE).holders
  }

  changes(shard: number): number {
    return (this.#shards.get(shard) ?? NONE).changes
  }

  /** Takes in what has changed in the record, or with its status. */
  update({ info: { peer, boot, holdings }, status, place }: MemberRecord): void {
    const isLive = status === 'alive' || status === 'suspect'
    for (const shard of this.#listed.get(peer)?.keys() ?? [])
      if (!isLive || !holdings.has(shard)) this.#remove(shard, place)
    this.#listed.delete(peer)
    if (!isLive || holdings.size === 0) return
    for (const [shard, held] of holdings) this.#set(shard, { peer, boot, place, ...held })
    this.#listed.set(peer, holdings)
  }

  #set(shard: number, holder: Placed): void {
    const known = this.#shards.get(shard) ?? { holders: [], changes: 0 }
    this.#shards.set(shard, known)
    const index = indexOf(holder.place, known.holders)
    const before = known.holders[index]
    const isListed = before?.place === holder.place
    if (isPartial(isListed ? before : undefined) !== isPartial(holder)) known.changes++
    known.holders.splice(index, isListed ? 1 : 0, holder)
  }

  #remove(shard: number, place: number): void {
    const known = this.#shards.get(shard)
    if (known === undefined) return
    const [gone] = known.holders.splice(indexOf(place, known.holders), 1)
    if (!isPartial(gone)) known.changes++
  }
}

/** Whether it counts for nothing where copies of the whole shard are counted. */
function isPartial(holder: Holder | undefined): boolean {
  return (holder?.state ?? 'partial') === 'partial'
}

/** Where the holder with that place is, or belongs. */
function indexOf(place: number, ordered: readonly Placed[]): number {
  return placeIn(ordered, (holder) => holder.place < place)
}
