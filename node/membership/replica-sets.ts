// Who keeps a shard by everyone's calculation, and who says that it holds it: the two differ while replicas move. Both
// are kept per shard, since every write and every acknowledgement asks.
import type { PeerId } from '../../transport/port.ts'
import { Emitter } from '../util/emitter.ts'
import type { Holder } from './holders.ts'
import type { Membership } from './membership.ts'
import type { HeartbeatInfo, Holdings, MemberChange } from './view.ts'

export interface ReplicaSet {
  /** Live peers that should keep the shard, best claim first. */
  readonly all: readonly PeerId[]
  /** Whether this peer should keep the shard. */
  readonly self: boolean
  /** The others of them. */
  readonly others: readonly PeerId[]
}

interface Acknowledging {
  readonly set: ReplicaSet
  readonly changes: number
  readonly peers: readonly PeerId[]
}

export interface ReplicaSetsEvents {
  /** Who should keep shards, or who says that it holds them, may have changed. */
  changed: () => void
}

export interface ReplicaSetsOptions {
  readonly membership: Membership
  readonly self: () => PeerId
  readonly onError: (error: unknown) => void
}

export class ReplicaSets {
  readonly events: Emitter<ReplicaSetsEvents>
  readonly #options: ReplicaSetsOptions
  readonly #sets = new Map<number, ReplicaSet>()
  readonly #acknowledging = new Map<number, Acknowledging>()
  /** What each peer said last of its states, to notice a change. */
  readonly #said = new Map<PeerId, string>()
  readonly #heldBy = new Map<PeerId, Holdings>()

  constructor(options: ReplicaSetsOptions) {
    this.#options = options
    this.events = new Emitter(options.onError)
  }

  start(): () => void {
    const { events } = this.#options.membership
    const stops = [
      events.on('view', () => this.#viewChanged()),
      events.on('heard', (info) => this.#heard(info)),
      events.on('change', (change) => this.#memberChanged(change)),
    ]
    return () => {
      for (const stop of stops) stop()
    }
  }

  of(shard: number): ReplicaSet {
    const known = this.#sets.get(shard)
    if (known !== undefined) return known
    const self = this.#options.self()
    const all = this.#options.membership.replicasOf(shard)
    const set = { all, self: all.includes(self), others: all.filter((peer) => peer !== self) }
    this.#sets.set(shard, set)
    return set
  }

  /** Live peers that announce anything of the shard. */
  holders(shard: number): readonly Holder[] {
    return this.#options.membership.holders(shard)
  }

  /** Everyone who should keep the shard or acknowledges for it: the same list for as long as it has the same in it. */
  acknowledging(shard: number): readonly PeerId[] {
    const [set, changes] = [this.of(shard), this.#options.membership.holderChanges(shard)]
    const known = this.#acknowledging.get(shard)
    if (known?.changes === changes && isEqual(known.set.all, set.all)) return known.peers
    const peers = new Set(set.others)
    for (const { peer, state } of this.holders(shard)) if (state !== 'partial') peers.add(peer)
    const list = [...peers]
    this.#acknowledging.set(shard, { set, changes, peers: list })
    return list
  }

  #viewChanged(): void {
    this.#sets.clear()
    this.events.emit('changed', undefined)
  }

  #heard(info: HeartbeatInfo): void {
    // The same object for as long as the peer says the same.
    if (this.#heldBy.get(info.peer) === info.holdings) return
    this.#heldBy.set(info.peer, info.holdings)
    const said = [...info.holdings].map(([shard, { state }]) => `${shard}${state}`).join()
    if (this.#said.get(info.peer) === said) return
    this.#said.set(info.peer, said)
    this.events.emit('changed', undefined)
  }

  #memberChanged({ peer, to }: MemberChange): void {
    if (to !== 'dead' && to !== 'left') return
    this.#said.delete(peer)
    this.#heldBy.delete(peer)
  }
}

function isEqual(one: readonly PeerId[], other: readonly PeerId[]): boolean {
  return one.length === other.length && one.every((peer, index) => peer === other[index])
}
