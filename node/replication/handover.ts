// Handing sessions over: goes on until every one of them has been proved to be on the disks of those who are to have it.
// A proof is the same as for letting go (check.ts): the other's digest is equal, or what was here has been brought to it.
// Nothing is removed here.
import { isUnreachable } from '../../crdt/errors.ts'
import type { PeerId } from '../../transport/port.ts'
import type { SyncProgress } from '../api.ts'
import type { Membership } from '../membership/membership.ts'
import type { Clock } from '../ports/clock.ts'
import type { Entry } from '../sessions/entry.ts'
import { delay } from '../util/timers.ts'
import { checkSessions } from './check.ts'
import type { ExchangeOptions } from './exchange-server.ts'
import type { Following } from './following.ts'

/** Shards proved at the same time. */
const SHARDS_AT_ONCE = 4
const LOOK_INTERVAL_MS = 50
/** Once each session was proved, those that are written to all the time are proved anew so often. */
const LAPS_MAX = 3

/** What is to be handed over, and to whom. */
export interface Handing {
  readonly isGiven: (entry: Entry) => boolean
  /** Who is to have the shard; nobody: what is here of it waits until somebody is. */
  readonly heirs: (shard: number) => readonly PeerId[]
  readonly onProgress: (progress: SyncProgress) => void
  /** @throws once it makes no sense any more */
  readonly assertWanted: () => void
}

export interface Handed {
  readonly sessions: number
  /** Of them, those that rest on something lost, so that nobody can take them in: they stay here. */
  readonly refused: number
}

export interface HandoverOptions {
  readonly exchange: ExchangeOptions
  readonly following: Following
  readonly membership: Membership
  readonly clock: Clock
  readonly onError: (error: unknown) => void
}

/** How a session stood when all its heirs had it. */
interface Proof {
  readonly sequence: number
  readonly heirs: string
  readonly isRefused: boolean
}

export class Handover {
  readonly #options: HandoverOptions
  readonly #handing: Handing
  readonly #proofs = new Map<Entry, Proof>()
  #total = 0

  constructor(options: HandoverOptions, handing: Handing) {
    this.#options = options
    this.#handing = handing
  }

  /** @throws what `assertWanted` throws */
  async run(): Promise<Handed> {
    const { assertWanted, onProgress } = this.#handing
    for (let laps = 0; ;) {
      assertWanted()
      const given = this.#given()
      const unproved = given.filter((entry) => !this.#proofs.has(entry))
      const open = given.filter((entry) => !this.#isProved(entry))
      this.#total = Math.max(this.#total, given.length)
      onProgress({ done: this.#total - open.length, total: this.#total })
      if (open.length === 0 || laps === LAPS_MAX) return this.#handed(given)
      if (unproved.length === 0) laps++
      await this.#whileWanted(this.#proveAll(open))
    }
  }

  /** Who does not answer must not keep anybody from giving up. */
  async #whileWanted(proving: Promise<void>): Promise<void> {
    const look = () => delay(this.#options.clock, LOOK_INTERVAL_MS).then(() => false)
    const done = proving.then(() => true)
    while (!(await Promise.race([done, look()]))) this.#handing.assertWanted()
    await look()
  }

  #handed(given: readonly Entry[]): Handed {
    const refused = given.filter((entry) => this.#proofs.get(entry)?.isRefused === true).length
    return { sessions: this.#total, refused }
  }

  /** What was only fetched is others' already; a faded tombstone is to be forgotten. */
  #given(): Entry[] {
    const { exchange, following } = this.#options
    return [...exchange.catalog.entries()].filter((entry) => {
      return entry.sequence > 0 && !entry.isFaded && !following.isCopy(entry) && this.#handing.isGiven(entry)
    })
  }

  #isProved(entry: Entry): boolean {
    const proof = this.#proofs.get(entry)
    return proof?.sequence === entry.sequence && proof.heirs === this.#nameHeirs(entry.shard)
  }

  async #proveAll(entries: readonly Entry[]): Promise<void> {
    const byShard = new Map<number, Entry[]>()
    for (const entry of entries) {
      const open = byShard.get(entry.shard) ?? []
      byShard.set(entry.shard, open)
      open.push(entry)
    }
    const ready = [...byShard].filter(([shard]) => this.#isReady(shard))
    for (let at = 0; at < ready.length; at += SHARDS_AT_ONCE) {
      await Promise.all(ready.slice(at, at + SHARDS_AT_ONCE).map(([shard, open]) => this.#prove(shard, open)))
    }
  }

  /** Whether all heirs say that they have the whole shard: they get it from whoever they ask, and cheaper than from here. */
  #isReady(shard: number): boolean {
    const { membership } = this.#options
    const heirs = this.#handing.heirs(shard)
    return (
      heirs.length > 0 &&
      heirs.every((peer) => {
        const member = membership.get(peer)
        return member?.status === 'alive' && member.info.holdings.get(shard)?.state === 'complete'
      })
    )
  }

  async #prove(shard: number, entries: readonly Entry[]): Promise<void> {
    const { exchange, onError } = this.#options
    const heirs = this.#nameHeirs(shard)
    const before = entries.map((entry) => ({ entry, sequence: entry.sequence }))
    try {
      const checks = await Promise.all(
        this.#handing.heirs(shard).map((peer) => {
          return checkSessions(exchange, { peer, shard, entries, wants: () => false })
        }),
      )
      if (!checks.every(({ keeps }) => keeps)) return
      for (const { entry, sequence } of before) {
        const isRefused = checks.some(({ refused }) => refused.has(entry.id))
        const isConfirmed = checks.every(({ confirmed }) => confirmed.has(entry.id))
        if (isRefused || isConfirmed) this.#proofs.set(entry, { sequence, heirs, isRefused })
      }
    } catch (error) {
      // Who can't be reached is membership's business; the next look may find another heir.
      if (!isUnreachable(error)) onError(error)
    }
  }

  /** Heirs and their boots: another process may be another disk. */
  #nameHeirs(shard: number): string {
    const { membership } = this.#options
    return this.#handing
      .heirs(shard)
      .map((peer) => `${peer} ${membership.get(peer)?.info.boot ?? ''}`)
      .toSorted()
      .join()
  }
}
