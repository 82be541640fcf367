// Sessions that somebody has open on this peer. Of a shard that it does not keep, the peer follows exactly these; and it
// knows which sessions it holds as mere copies, which nobody counts on.
import type { Cancel, Clock } from '../ports/clock.ts'
import type { Entry } from '../sessions/entry.ts'

/** A session that was closed is followed for so long still: the next request for it is often on its way. */
const LINGER_MS = 5_000

interface Followed {
  readonly shard: number
  handles: number
  /** Fetched since it is followed: what is here is as fresh as what the replicas had, or were sent since. */
  fresh: boolean
  cancelLinger: Cancel
}

export interface FollowingOptions {
  readonly clock: Clock
  /** Whether the shard is kept here as a whole, so that nothing hangs on following single sessions of it. */
  readonly isKept: (shard: number) => boolean
  /** Sessions of the shard began or ceased to be followed. */
  readonly onTurn: (shard: number) => void
}

export class Following {
  readonly #options: FollowingOptions
  readonly #sessions = new Map<string, Followed>()
  readonly #shards = new Map<number, number>()
  readonly #copies = new WeakSet<Entry>()

  constructor(options: FollowingOptions) {
    this.#options = options
  }

  /** Somebody opens the session. Each call needs its `close`. */
  open(session: string, shard: number): void {
    const known = this.#sessions.get(session)
    if (known !== undefined) {
      known.handles++
      known.cancelLinger()
      return
    }
    this.#sessions.set(session, { shard, handles: 1, fresh: false, cancelLinger: () => {} })
    this.#shards.set(shard, (this.#shards.get(shard) ?? 0) + 1)
    this.#options.onTurn(shard)
  }

  close(session: string): void {
    const followed = this.#sessions.get(session)
    if (followed === undefined || --followed.handles > 0) return
    if (this.#options.isKept(followed.shard)) this.#forget(session, followed.shard)
    else this.#linger(session, followed)
  }

  isFollowed(session: string): boolean {
    return this.#sessions.has(session)
  }

  /** Whether any session of the shard is. */
  follows(shard: number): boolean {
    return this.#shards.has(shard)
  }

  isFresh(session: string): boolean {
    return this.#sessions.get(session)?.fresh ?? false
  }

  fetched(session: string): void {
    const followed = this.#sessions.get(session)
    if (followed !== undefined) followed.fresh = true
  }

  /** What was fetched or followed only, and that others hold anyway: it can be dropped without asking anybody. */
  isCopy(entry: Entry): boolean {
    return this.#copies.has(entry)
  }

  setCopy(entry: Entry, isCopy: boolean): void {
    if (isCopy) this.#copies.add(entry)
    else this.#copies.delete(entry)
  }

  stop(): void {
    for (const { cancelLinger } of this.#sessions.values()) cancelLinger()
  }

  #linger(session: string, followed: Followed): void {
    followed.cancelLinger = this.#options.clock.setTimer(LINGER_MS, () => this.#forget(session, followed.shard))
  }

  #forget(session: string, shard: number): void {
    this.#sessions.delete(session)
    const left = (this.#shards.get(shard) ?? 1) - 1
    if (left > 0) this.#shards.set(shard, left)
    else this.#shards.delete(shard)
    this.#options.onTurn(shard)
  }
}
