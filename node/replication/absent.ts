// Replicas that are away, and how much they miss meanwhile. Nothing hangs on these counts: whoever comes back is compared
// with as a whole, and by digests. But until that is done it is not taken for a holder of what it kept, whatever it says.
import type { PeerId } from '../../transport/port.ts'
import type { Holdings, MemberChange } from '../membership/view.ts'
import type { AbsentReplica } from './api.ts'
import { keeps } from './holdings.ts'

/** Updates past which counting on is of no use. */
export const MISSED_MAX = 10_000
/** Peers remembered: in a mesh whose members come and go for ever, those that went last. */
const PEERS_MAX = 256

interface Absence {
  readonly since: number
  /** Shards in which it is not yet known to have everything. */
  readonly shards: Set<number>
  missed: number
  needsFullRepair: boolean
  isBack: boolean
}

export class Absent {
  readonly #absences = new Map<PeerId, Absence>()
  readonly #bothKeep: (peer: PeerId, shard: number) => boolean

  /** @param bothKeep whether this peer and the other keep the shard as a whole, or are about to */
  constructor(bothKeep: (peer: PeerId, shard: number) => boolean) {
    this.#bothKeep = bothKeep
  }

  /** @param theirs what it says that it holds. @param now wall clock, ms */
  memberChanged({ peer, to, from, rebooted }: MemberChange, theirs: Holdings | undefined, now: number): void {
    const kept = () => [...(theirs?.keys() ?? [])].filter((shard) => keeps(theirs, shard))
    if (to === 'dead' || to === 'left') this.went(peer, kept(), now)
    // A new process says of itself what it has not got.
    else if (to === 'alive' && rebooted) this.#absences.delete(peer)
    else if (to === 'alive' && from !== 'suspect') this.returned(peer)
  }

  /** @param shards those that it said it keeps. @param now wall clock, ms */
  went(peer: PeerId, shards: Iterable<number>, now: number): void {
    const known = this.#absences.get(peer)
    const kept = new Set([...(known?.shards ?? []), ...shards])
    if (kept.size === 0) return
    const before = { since: now, missed: 0, needsFullRepair: false, ...known }
    this.#absences.delete(peer)
    this.#absences.set(peer, { ...before, shards: kept, isBack: false })
    const [first] = this.#absences.keys()
    if (first !== undefined && this.#absences.size > PEERS_MAX) this.#absences.delete(first)
  }

  /** It is alive. */
  returned(peer: PeerId): void {
    const absence = this.#absences.get(peer)
    if (absence !== undefined) absence.isBack = true
  }

  /** Updates of the shard went out. */
  published(shard: number, updates: number): void {
    for (const absence of this.#absences.values()) {
      if (absence.isBack || absence.needsFullRepair || !absence.shards.has(shard)) continue
      absence.missed += updates
      absence.needsFullRepair = absence.missed > MISSED_MAX
    }
  }

  /** It has just been equal to this peer in these shards. */
  compared(peer: PeerId, shards: Iterable<number>): void {
    const absence = this.#absences.get(peer)
    if (absence === undefined) return
    for (const shard of shards) absence.shards.delete(shard)
    if (absence.shards.size === 0) this.#absences.delete(peer)
  }

  /** Whether what the peer says of the shard may be from before its absence. */
  isBehind(peer: PeerId, shard: number): boolean {
    const absence = this.#open(peer)
    if (absence === undefined) return false
    return absence.needsFullRepair || absence.shards.has(shard)
  }

  list(nameOf: (peer: PeerId) => string): AbsentReplica[] {
    for (const peer of this.#absences.keys()) this.#open(peer)
    return [...this.#absences].map(([peer, { since, missed, needsFullRepair, isBack }]) => {
      return { peer, name: nameOf(peer), since, isBack, missedUpdates: missed, needsFullRepair }
    })
  }

  /** What two peers can never compare is not waited for: shards that they don't both keep, any more. */
  #open(peer: PeerId): Absence | undefined {
    const absence = this.#absences.get(peer)
    if (absence?.isBack !== true) return absence
    for (const shard of absence.shards) if (!this.#bothKeep(peer, shard)) absence.shards.delete(shard)
    if (absence.shards.size > 0) return absence
    this.#absences.delete(peer)
    return undefined
  }
}
