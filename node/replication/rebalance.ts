// Which shards this peer keeps, and the way there: takes up what it is calculated for, compares it with those that hold
// it, and ceases to keep what it is no longer calculated for once all others are ready. docs/REPLICATION.md draws the
// states. Nothing here is remembered across a restart, and nothing gives up: every tick looks again.
import type { PeerId } from '../../transport/port.ts'
import type { Membership } from '../membership/membership.ts'
import type { Holder } from '../membership/holders.ts'
import type { Cancel, Clock } from '../ports/clock.ts'
import { every } from '../util/timers.ts'
import { isUnreachable } from '../../crdt/errors.ts'
import type { ExchangeOptions } from './exchange-server.ts'
import { exchange } from './exchange.ts'
import type { Following } from './following.ts'
import type { LettingGo } from './letting-go.ts'
import type { Topics } from './topics.ts'

const TICK_MS = 100
/** Comparisons, and shards let go, at the same time: enough to keep a link busy, few enough not to crowd out writes. */
const ACQUIRING_MAX = 4
const LETTING_GO_MAX = 4
/** Shards taken from one peer in one comparison: round trips for each would take longer than its bytes. */
const TOGETHER_MAX = 16
/** After a failure the shard waits for so long. */
const FAILED_PAUSE_MS = 500
/** A shard that is no longer calculated is served on for at least so long: members come back. */
const RELEASE_AFTER_MS = 2_000
/** How long a peer that knows where others should be waits for them before it takes itself for the first. */
const ALONE_AFTER_MS = 1_000
/** Pause between two attempts to let go of what is left of a shard. */
const LET_GO_PAUSE_MS = 1_000

export interface RebalanceOptions {
  readonly exchange: ExchangeOptions
  readonly clock: Clock
  readonly membership: Membership
  readonly topics: Topics
  readonly following: Following
  readonly lettingGo: LettingGo
  readonly shardCount: number
  /** Other members are expected: addresses to look for them are configured. */
  readonly expectsOthers: boolean
  /** This peer and another have just been equal in these shards. */
  readonly onEqual: (peer: PeerId, shards: readonly number[]) => void
  /** A comparison is done: acknowledgements may have come with it. */
  readonly onCompared: () => void
  readonly onError: (error: unknown) => void
}

export class Rebalance {
  readonly #options: RebalanceOptions
  /** Shards on their way from one state to another, or with sessions to let go: what a tick looks at. */
  readonly #moving = new Set<number>()
  /** Of whom this peer had everything at some time since it keeps the shard, by peer: its boot then. */
  readonly #taken = new Map<number, Map<PeerId, string>>()
  readonly #releasingSince = new Map<number, number>()
  readonly #acquiring = new Map<number, PeerId>()
  #comparisons = 0
  /** Shards that failed together with others: compared by themselves, lest one hold up all. */
  readonly #apart = new Set<number>()
  readonly #notBefore = new Map<number, number>()
  readonly #lettingGo = new Set<number>()
  #startedAt = 0

  constructor(options: RebalanceOptions) {
    this.#options = options
  }

  start(): Cancel {
    const { clock, exchange: ours } = this.#options
    this.#startedAt = clock.monotonic()
    const cancels = [ours.sets.events.on('changed', () => this.plan()), every(clock, TICK_MS, () => this.#tick())]
    for (let shard = 0; shard < this.#options.shardCount; shard++) this.turn(shard)
    this.plan()
    return () => {
      for (const cancel of cancels) cancel()
    }
  }

  /** Looks at every shard: is it calculated for this peer, is it kept, is it complete? */
  plan(): void {
    const { shardCount, membership } = this.#options
    let changed = false
    for (let shard = 0; shard < shardCount; shard++) {
      if (this.#planFor(shard)) changed = true
    }
    if (changed) membership.announce()
  }

  /** Whether the shard's state has changed. */
  #planFor(shard: number): boolean {
    const { exchange: ours } = this.#options
    const before = ours.holdings.state(shard)
    if (ours.sets.of(shard).self) this.#keep(shard)
    else this.#cease(shard)
    const state = ours.holdings.state(shard)
    if (state === 'complete') this.#moving.delete(shard)
    else if (state !== undefined || ours.catalog.entriesOf(shard).size > 0) this.#moving.add(shard)
    return state !== before
  }

  /** This peer and another have just been equal in these shards. */
  compared(peer: PeerId, shards: Iterable<number>): void {
    if (this.#options.membership.get(peer) === undefined) return
    this.#options.onEqual(peer, [...shards])
    this.#took(peer, shards)
  }

  /** This peer has all that the other had of these shards; the other may lack some, if it can't take it in. */
  #took(peer: PeerId, shards: Iterable<number>): void {
    const { membership } = this.#options
    const boot = membership.get(peer)?.info.boot
    if (boot === undefined) return
    let changed = false
    for (const shard of shards) {
      const taken = this.#taken.get(shard) ?? new Map<PeerId, string>()
      this.#taken.set(shard, taken)
      taken.set(peer, boot)
      if (this.#moving.has(shard) && this.#planFor(shard)) changed = true
    }
    if (changed) membership.announce()
  }

  /** Sets the topics of a shard to what is kept and followed of it. */
  turn(shard: number): void {
    const { exchange: ours, topics, following } = this.#options
    topics.set(shard, ours.holdings.replicates(shard) ? 'all' : following.follows(shard) ? 'open' : 'none')
  }

  #keep(shard: number): void {
    const { exchange: ours, lettingGo, following } = this.#options
    const state = ours.holdings.state(shard)
    if (state === undefined) {
      lettingGo.ownAgain(shard)
      this.#taken.delete(shard)
      ours.holdings.set(shard, 'acquiring')
      for (const entry of ours.catalog.entriesOf(shard)) following.setCopy(entry, false)
      this.turn(shard)
    }
    if (state === 'releasing') ours.holdings.set(shard, 'complete')
    const isComplete = this.#isComplete(shard)
    if (ours.holdings.state(shard) === 'acquiring' && isComplete) ours.holdings.set(shard, 'complete')
    // A peer that took itself for the first meets one that was before it.
    const isAlone = (this.#taken.get(shard)?.size ?? 0) === 0
    if (ours.holdings.state(shard) === 'complete' && isAlone && !isComplete) ours.holdings.set(shard, 'acquiring')
  }

  #cease(shard: number): void {
    const { exchange: ours, clock, membership } = this.#options
    const state = ours.holdings.state(shard)
    if (state === undefined) return
    if (state === 'complete') {
      ours.holdings.set(shard, 'releasing')
      this.#releasingSince.set(shard, clock.monotonic())
      return
    }
    if (state === 'releasing') {
      const since = this.#releasingSince.get(shard) ?? clock.monotonic()
      const { others } = ours.sets.of(shard)
      const holders = ours.sets.holders(shard)
      const isReady = (peer: PeerId) =>
        membership.get(peer)?.status === 'alive' &&
        holders.some((holder) => holder.peer === peer && holder.state === 'complete')
      if (clock.monotonic() - since < RELEASE_AFTER_MS || others.length === 0 || !others.every(isReady)) return
    }
    ours.holdings.set(shard, undefined)
    this.turn(shard)
  }

  /** Has had all that a complete holder had; or, where there is none, all that every other holder had. */
  #isComplete(shard: number): boolean {
    const others = this.#otherReplicas(shard)
    const isTaken = (holder: Holder) => this.#isTaken(shard, holder)
    const complete = others.filter(({ state }) => state !== 'acquiring')
    if (complete.length > 0) return complete.some(isTaken)
    const { clock, membership, expectsOthers } = this.#options
    const isAlone = membership.live().length === 0
    if (isAlone && expectsOthers && clock.monotonic() - this.#startedAt < ALONE_AFTER_MS) return false
    return others.every(isTaken)
  }

  #isTaken(shard: number, { peer, boot }: Holder): boolean {
    return this.#taken.get(shard)?.get(peer) === boot
  }

  #otherReplicas(shard: number): Holder[] {
    return this.#options.exchange.sets.holders(shard).filter(({ state }) => state !== 'partial')
  }

  #tick(): void {
    const { shardCount, exchange: ours, clock, membership } = this.#options
    const now = clock.monotonic()
    let changed = false
    // Whatever brought a session here that is not this peer's to keep: it is let go in time.
    for (let shard = 0; shard < shardCount; shard++) {
      if (!ours.holdings.replicates(shard) && ours.catalog.entriesOf(shard).size > 0) this.#moving.add(shard)
    }
    const due: number[] = []
    for (const shard of [...this.#moving]) {
      if (this.#planFor(shard)) changed = true
      if ((this.#notBefore.get(shard) ?? 0) > now) continue
      if (ours.holdings.state(shard) === 'acquiring') due.push(shard)
      else if (!ours.holdings.replicates(shard)) this.#letGoNext(shard)
    }
    this.#acquireNext(due)
    if (changed) membership.announce()
  }

  /** Begins as many comparisons as may be, each of shards that have the same source. */
  #acquireNext(due: readonly number[]): void {
    const begun: { readonly source: PeerId; readonly shards: number[]; readonly isOpen: boolean }[] = []
    for (const shard of due) {
      const source = this.#acquiring.has(shard) ? undefined : this.#source(shard)
      if (source === undefined) continue
      const isOpen = !this.#apart.has(shard)
      const joined = begun.find(
        (one) => isOpen && one.isOpen && one.source === source && one.shards.length < TOGETHER_MAX,
      )
      if (joined === undefined && this.#comparisons + begun.length >= ACQUIRING_MAX) continue
      this.#acquiring.set(shard, source)
      if (joined === undefined) begun.push({ source, shards: [shard], isOpen })
      else joined.shards.push(shard)
    }
    for (const { source, shards } of begun) void this.#acquire(shards, source)
  }

  /** Whom to compare with next: a complete holder, of several the least asked; without one, any not compared yet. */
  #source(shard: number): PeerId | undefined {
    const { membership } = this.#options
    const others = this.#otherReplicas(shard).filter(({ peer }) => membership.get(peer)?.status === 'alive')
    const complete = others.filter(({ state }) => state !== 'acquiring')
    const open = complete.length > 0 ? complete : others
    const asked = (peer: PeerId) => [...this.#acquiring.values()].filter((other) => other === peer).length
    return open.filter((holder) => !this.#isTaken(shard, holder)).toSorted((a, b) => asked(a.peer) - asked(b.peer))[0]
      ?.peer
  }

  async #acquire(shards: readonly number[], source: PeerId): Promise<void> {
    const { exchange: ours, clock, onCompared } = this.#options
    this.#comparisons++
    try {
      const { compared } = await exchange(ours, source, shards, (taken) => this.#took(source, taken))
      this.compared(source, compared)
      for (const shard of shards) {
        if (compared.includes(shard)) this.#apart.delete(shard)
        else this.#notBefore.set(shard, clock.monotonic() + FAILED_PAUSE_MS)
      }
      if (compared.length === 0 && shards.length > 1) for (const shard of shards) this.#apart.add(shard)
      onCompared()
    } catch (error) {
      this.#failed(shards, error)
    } finally {
      this.#comparisons--
      for (const shard of shards) this.#acquiring.delete(shard)
    }
  }

  #letGoNext(shard: number): void {
    const { lettingGo, exchange: ours } = this.#options
    if (ours.catalog.entriesOf(shard).size === 0) {
      // Also where tombstones were forgotten: of what was published from here nothing is left that others could lack.
      ours.ledger.letGo(shard)
      this.#moving.delete(shard)
    }
    if (this.#lettingGo.size >= LETTING_GO_MAX || this.#lettingGo.has(shard)) return
    if (lettingGo.strays(shard).length > 0) void this.#letGo(shard)
  }

  async #letGo(shard: number): Promise<void> {
    const { lettingGo, clock, membership, exchange: ours } = this.#options
    this.#lettingGo.add(shard)
    // To the end of the queue: one whose replicas don't answer must not starve the others.
    this.#moving.delete(shard)
    this.#moving.add(shard)
    try {
      const gone = await lettingGo.letGo(shard)
      if (gone === 0) this.#notBefore.set(shard, clock.monotonic() + LET_GO_PAUSE_MS)
      if (ours.catalog.entriesOf(shard).size === 0) membership.announce()
    } catch (error) {
      this.#failed([shard], error)
    } finally {
      this.#lettingGo.delete(shard)
    }
  }

  /** Whom it could not reach is membership's business: the next attempt may find another. */
  #failed(shards: readonly number[], error: unknown): void {
    const { clock, onError } = this.#options
    for (const shard of shards) this.#notBefore.set(shard, clock.monotonic() + FAILED_PAUSE_MS)
    if (!isUnreachable(error)) onError(error)
  }
}
