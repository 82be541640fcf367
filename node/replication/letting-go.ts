// Letting go of sessions that are not this peer's to keep: after every present replica has proved that it holds all of
// them (docs/REPLICATION.md, "The one rule"). The proofs are gathered first; then, in one step, those sessions go for
// which all of them still stand. Whatever interrupts it leaves the copies where they are.
import { toHex, waits } from '../../crdt/index.ts'
import type { PeerId } from '../../transport/port.ts'
import type { Membership } from '../membership/membership.ts'
import type { Entry } from '../sessions/entry.ts'
import { checkSessions } from './check.ts'
import type { ExchangeOptions } from './exchange-server.ts'
import type { Following } from './following.ts'

/** Sessions let go at once: keeps what must be proved, and what is lost by an interruption, small. */
const SESSIONS_MAX = 4_096

export interface LettingGoOptions {
  readonly exchange: ExchangeOptions
  readonly following: Following
  readonly membership: Membership
}

interface Proof {
  readonly peer: PeerId
  readonly boot: string
  readonly confirmed: ReadonlySet<string>
  readonly refused: ReadonlySet<string>
}

export class LettingGo {
  readonly #options: LettingGoOptions
  /** How often each shard became this peer's own: proofs from before don't count. */
  readonly #turns = new Map<number, number>()
  /** Sessions of which a replica could not take in all, and how both sides stood then. */
  readonly #stuck = new WeakMap<Entry, string>()

  #isPaused = false

  constructor(options: LettingGoOptions) {
    this.#options = options
  }

  /** For good: what is here is to stay on this disk. */
  pause(): void {
    this.#isPaused = true
  }

  /** The shard is this peer's own (again). */
  ownAgain(shard: number): void {
    this.#turns.set(shard, this.#turn(shard) + 1)
  }

  /** Sessions of the shard that are only here because they were not let go yet. */
  strays(shard: number): Entry[] {
    const { exchange, following } = this.#options
    if (this.#isPaused || exchange.holdings.replicates(shard)) return []
    const others = this.#standing(shard)
    return [...exchange.catalog.entriesOf(shard)].filter((entry) => {
      // A faded tombstone goes by itself, and must not be brought back to who has forgotten it.
      const isWaiting = entry.isFaded || following.isFollowed(entry.id)
      return !isWaiting && this.#stuck.get(entry) !== `${entry.sequence} ${others}`
    })
  }

  /** What the replicas hold, in short: as long as that is the same, what they refused they will refuse again. */
  #standing(shard: number): string {
    const holders = this.#options.exchange.sets.holders(shard)
    return holders.map(({ peer, boot, root }) => `${peer} ${boot} ${toHex(root)}`).join()
  }

  /** Lets go of what it can prove to be held by others; returns how many sessions went. */
  async letGo(shard: number): Promise<number> {
    const { exchange } = this.#options
    const turn = this.#turn(shard)
    const standing = this.#standing(shard)
    const entries = this.strays(shard).slice(0, SESSIONS_MAX)
    const toProve = entries.filter((entry) => !this.#isWorthless(entry)).map((entry) => ({ entry, at: entry.sequence }))
    const maimed = await this.#maimed(toProve.map(({ entry }) => entry))
    const proofs =
      toProve.length === 0
        ? []
        : await this.#gatherProofs(
            shard,
            toProve.map(({ entry }) => entry),
            (session) => maimed.has(session),
          )
    // One step from here on: nothing below waits.
    if (
      this.#isPaused ||
      turn !== this.#turn(shard) ||
      exchange.holdings.replicates(shard) ||
      exchange.sets.of(shard).self
    )
      return 0
    const going = entries.filter((entry) => this.#isWorthless(entry))
    if (proofs !== undefined && this.#allStand(shard, proofs)) {
      for (const { entry, at } of toProve) {
        const isStuck = maimed.has(entry.id) || proofs.some(({ refused }) => refused.has(entry.id))
        if (isStuck) this.#stuck.set(entry, `${at} ${standing}`)
        else if (entry.sequence === at && proofs.every(({ confirmed }) => confirmed.has(entry.id))) going.push(entry)
      }
    }
    return this.#forget(shard, going)
  }

  /**
   * Sessions that hold something which waits for what is not here: digests and differences leave it out, so nobody can
   * confirm it. What the replicas have more may complete them.
   */
  async #maimed(entries: readonly Entry[]): Promise<Set<string>> {
    const { catalog } = this.#options.exchange
    const maimed = new Set<string>()
    for (const entry of entries) {
      if (catalog.get(entry.id) !== entry) continue
      const doc = await catalog.acquire(entry)
      if (waits(doc)) maimed.add(entry.id)
      catalog.release(entry)
    }
    return maimed
  }

  /** What each present replica confirms of these sessions; undefined if one of them does not promise to keep anything. */
  async #gatherProofs(
    shard: number,
    entries: readonly Entry[],
    wants: (session: string) => boolean,
  ): Promise<Proof[] | undefined> {
    const { exchange } = this.#options
    const replicas = exchange.sets.of(shard).others
    const checks = replicas.map(async (peer) => {
      return { peer, ...(await checkSessions(exchange, { peer, shard, entries, wants })) }
    })
    const proofs = await Promise.all(checks)
    return proofs.length > 0 && proofs.every(({ keeps }) => keeps) ? proofs : undefined
  }

  /** Whether everyone who should keep the shard now has given a proof, and is the process that gave it. */
  #allStand(shard: number, proofs: readonly Proof[]): boolean {
    const { exchange, membership } = this.#options
    const replicas = exchange.sets.of(shard).others
    return (
      replicas.length > 0 &&
      replicas.every((peer) => {
        const member = membership.get(peer)
        return (
          member?.status === 'alive' && proofs.some((proof) => proof.peer === peer && proof.boot === member.info.boot)
        )
      })
    )
  }

  /** A mere copy, or nothing at all: nobody counts on it. */
  #isWorthless(entry: Entry): boolean {
    return this.#options.following.isCopy(entry) || entry.sequence === 0
  }

  #forget(shard: number, entries: readonly Entry[]): number {
    const { exchange, following } = this.#options
    const { catalog } = exchange
    const isHere = (entry: Entry) => catalog.get(entry.id) === entry && catalog.isIdle(entry)
    const idle = entries.filter((entry) => isHere(entry) && !following.isFollowed(entry.id))
    if (idle.some((entry) => !this.#isWorthless(entry))) exchange.ledger.letGo(shard)
    for (const entry of idle) {
      following.setCopy(entry, false)
      // A store that fails says so itself, through the journal.
      catalog.forget(entry).catch(() => {})
    }
    return idle.length
  }

  #turn(shard: number): number {
    return this.#turns.get(shard) ?? 0
  }
}
