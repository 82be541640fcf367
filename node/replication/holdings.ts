// What this peer holds of each shard, as its heartbeats tell: see docs/REPLICATION.md.
import type { HeldState } from '../api.ts'
import type { HeldShard, Holdings } from '../membership/view.ts'
import type { Catalog } from '../sessions/catalog.ts'

/** A holding of the whole shard; `partial`, of single sessions, follows from what is in the catalog. */
export type ReplicaState = Exclude<HeldState, 'partial'>

/** Whether a peer that says so has all there is of the shard. */
export function isWhole(state: HeldState | undefined): boolean {
  return state === 'complete' || state === 'releasing'
}

/** Whether a peer, by what it says, keeps the shard as a whole or is on the way to that or from it. */
export function keeps(theirs: Holdings | undefined, shard: number): boolean {
  return (theirs?.get(shard)?.state ?? 'partial') !== 'partial'
}

const NO_ROOT = new Uint8Array()

export class OwnHoldings {
  readonly #states = new Map<number, ReplicaState>()
  readonly #catalog: () => Catalog
  readonly #shardCount: number
  #announced: { readonly roots: Uint8Array; readonly holdings: Holdings } | undefined

  constructor(catalog: () => Catalog, shardCount: number) {
    this.#catalog = catalog
    this.#shardCount = shardCount
  }

  /** Undefined: not held as a whole. */
  state(shard: number): ReplicaState | undefined {
    return this.#states.get(shard)
  }

  /** Whether everything published in the shard is taken in and acknowledged. */
  replicates(shard: number): boolean {
    return this.#states.has(shard)
  }

  /** Whether what is here of the shard can be served without asking others. */
  isCurrent(shard: number): boolean {
    return isWhole(this.#states.get(shard))
  }

  /** Whether this peer and another, by what it says, both keep the shard as a whole or are on the way to that or from it. */
  isShared(shard: number, theirs: Holdings | undefined): boolean {
    return keeps(theirs, shard) && this.replicates(shard)
  }

  set(shard: number, state: ReplicaState | undefined): void {
    if (state === undefined) this.#states.delete(shard)
    else this.#states.set(shard, state)
    this.#announced = undefined
  }

  /** What heartbeats say: the same object as long as nothing has changed. */
  announced(): Holdings {
    const catalog = this.#catalog()
    const last = this.#announced
    if (last?.roots === catalog.roots() && this.#areStillPartial(last.holdings)) return last.holdings
    const holdings = new Map<number, HeldShard>()
    for (let shard = 0; shard < this.#shardCount; shard++) {
      if (this.#isPartial(shard)) holdings.set(shard, { state: 'partial', root: NO_ROOT })
    }
    for (const [shard, state] of this.#states) holdings.set(shard, { state, root: catalog.tree(shard).root() })
    this.#announced = { roots: catalog.roots(), holdings }
    return holdings
  }

  /** Every heartbeat asks, out or in: nothing is made for the answer. */
  #areStillPartial(holdings: Holdings): boolean {
    for (let shard = 0; shard < this.#shardCount; shard++) {
      if ((holdings.get(shard)?.state === 'partial') !== this.#isPartial(shard)) return false
    }
    return true
  }

  #isPartial(shard: number): boolean {
    return !this.#states.has(shard) && this.#catalog().entriesOf(shard).size > 0
  }
}
