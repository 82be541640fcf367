// When to compare what with whom: at once when frames are known to be missing, and when heartbeats show that a shard's
// root differs from ours and goes on differing. Shards that both sides keep are compared as a whole, of others this peer
// compares its own sessions. At most one comparison per peer is under way from this side; what is asked for meanwhile
// waits for the next.
import { digestsEqual, isUnreachable } from '../../crdt/index.ts'
import type { PeerId } from '../../transport/port.ts'
import type { Membership } from '../membership/membership.ts'
import type { HeartbeatInfo, Holdings } from '../membership/view.ts'
import type { Cancel, Clock } from '../ports/clock.ts'
import { delay, everyInTurn } from '../util/timers.ts'
import { checkSessions } from './check.ts'
import type { ExchangeOptions } from './exchange-server.ts'
import { exchange } from './exchange.ts'
import type { Following } from './following.ts'
import { isWhole } from './holdings.ts'
import { newSwap, swapAll } from './swap.ts'

/** Digests are recomputed when a session has been quiet this long: one that is written to all the time would cost … */
const SETTLE_QUIET_MS = 1_000
/** … more digests than updates. But it is not left out for longer than this. */
const SETTLE_MAX_MS = 10_000
const SETTLE_INTERVAL_MS = 100
/** Pause after an exchange before the next with the same peer, so that a broken one can't spin. */
const EXCHANGE_PAUSE_MS = 20
const FAILED_PAUSE_MS = 200
/** What fails on one of the two sides (its disk is full) is tried ever more seldom, down to this. */
const FAILED_PAUSE_MAX_MS = 5_000
/** Sync intervals after which a difference is looked into though the shard is being written to all the time. */
const MOVING_PATIENCE = 30

export interface RepairOptions {
  readonly exchange: ExchangeOptions
  readonly clock: Clock
  readonly membership: Membership
  readonly shardCount: number
  readonly syncIntervalMs: number
  /** Both sides have been equal in these shards. */
  readonly onCompared: (peer: PeerId, shards: Iterable<number>) => void
  readonly onDone: () => void
  readonly following: Following
  /** An exchange brought news: it must be announced on, or peers two hops away never hear of it. */
  readonly onNews: () => void
  readonly onError: (error: unknown) => void
}

/** A shard in which the other peer's root is not ours. Times are monotonic ms. */
interface Difference {
  readonly own: Uint8Array
  readonly theirs: Uint8Array
  /** When the two became what they are. */
  readonly since: number
  /** When it was last looked into, or first seen. */
  readonly first: number
}

interface PeerRepair {
  readonly wanted: Set<number>
  /** Sessions that wait for something which the peer has. */
  readonly sessions: Set<string>
  running: Promise<void> | undefined
  /** Shards whose roots differed at the last heartbeat. */
  readonly differing: Map<number, Difference>
  /** Exchanges in a row that one of the two sides could not take all of. */
  failures: number
  /** What it holds and what we hold, when nothing differed. */
  equalTo: { readonly theirs: Holdings; readonly own: Holdings } | undefined
}

export class RepairSchedule {
  readonly exchangeOptions: ExchangeOptions
  readonly #options: RepairOptions
  readonly #peers = new Map<PeerId, PeerRepair>()
  /** Of shards that are only followed: the root that was announced when it was compared last, and when that was. */
  readonly #followed = new Map<number, { readonly root: Uint8Array; readonly at: number }>()
  #running = false

  constructor(options: RepairOptions) {
    this.#options = options
    this.exchangeOptions = options.exchange
  }

  start(): Cancel {
    const { clock, membership, onError } = this.#options
    this.#running = true
    const cancels = [
      membership.events.on('heard', (info) => this.#compare(info)),
      everyInTurn(clock, SETTLE_INTERVAL_MS, () => this.#settle(), onError),
    ]
    return () => {
      this.#running = false
      for (const cancel of cancels) cancel()
    }
  }

  /** Asks for a comparison of these shards, or of single sessions, with the peer, soon. */
  request(peer: PeerId, shards: readonly number[], sessions: readonly string[] = []): void {
    if (!this.#running) return
    const repair = this.#peer(peer)
    for (const shard of shards) repair.wanted.add(shard)
    for (const session of sessions) repair.sessions.add(session)
    repair.running ??= this.#run(peer, repair).finally(() => {
      repair.running = undefined
      if (repair.wanted.size + repair.sessions.size > 0) this.request(peer, [])
    })
  }

  /** Compares everything that this peer has in common with the other. */
  async now(peer: PeerId): Promise<void> {
    await this.#compareShards(
      peer,
      Array.from({ length: this.#options.shardCount }, (_, shard) => shard),
    )
  }

  /** Shards whose root some live peer has otherwise, as last heard. */
  differingShards(): ReadonlySet<number> {
    const live = new Set(this.#options.membership.live().map(({ info }) => info.peer))
    const differing = new Set<number>()
    for (const [peer, repair] of this.#peers) {
      if (live.has(peer)) for (const shard of repair.differing.keys()) differing.add(shard)
    }
    return differing
  }

  /** Shards whose root this peer has otherwise, as last heard. */
  differingWith(peer: PeerId): number[] {
    return [...(this.#peers.get(peer)?.differing.keys() ?? [])]
  }

  async #run(peer: PeerId, repair: PeerRepair): Promise<void> {
    const { clock, membership, onError } = this.#options
    while (this.#running && repair.wanted.size + repair.sessions.size > 0) {
      const shards = [...repair.wanted]
      const sessions = [...repair.sessions]
      repair.wanted.clear()
      repair.sessions.clear()
      try {
        const refused = [
          sessions.length > 0 && (await this.#swap(peer, sessions)),
          shards.length > 0 && (await this.#compareShards(peer, shards)),
        ].includes(true)
        repair.failures = refused ? repair.failures + 1 : 0
        await delay(clock, refused ? failedPauseMs(repair) : EXCHANGE_PAUSE_MS)
      } catch (error) {
        const status = membership.get(peer)?.status
        if (status !== 'alive' && status !== 'suspect') return
        for (const shard of shards) repair.wanted.add(shard)
        // A peer that can't be reached now is membership's business, and may be back any moment; whatever else went
        // wrong is worth a word.
        if (!isUnreachable(error)) {
          repair.failures++
          onError(error)
        }
        await delay(clock, failedPauseMs(repair))
      }
    }
  }

  /** Whether one of the two sides could not take in all of it. */
  async #swap(peer: PeerId, sessions: readonly string[]): Promise<boolean> {
    const { exchange: ours, onDone } = this.#options
    const swap = newSwap(peer)
    await swapAll(ours, swap, sessions)
    await ours.catalog.journal.flush()
    ours.inbox.retry()
    onDone()
    return swap.refused
  }

  /** Likewise. */
  async #compareShards(peer: PeerId, shards: readonly number[]): Promise<boolean> {
    const { exchange: ours, membership, following, onCompared, onDone, onNews } = this.#options
    const theirs = membership.get(peer)?.info.holdings
    const stateThere = (shard: number) => theirs?.get(shard)?.state
    const isHeldThere = (shard: number) => isWhole(stateThere(shard))
    // Who is still acquiring a shard asks for it by itself.
    let refused = false
    const whole = shards.filter((shard) => ours.holdings.isCurrent(shard) && isHeldThere(shard))
    if (whole.length > 0) {
      const result = await exchange(ours, peer, whole)
      refused = result.refused
      onCompared(peer, result.compared)
      if (result.pulled > 0) onNews()
    }
    for (const shard of shards) {
      const entries = [...ours.catalog.entriesOf(shard)].filter(({ isFaded }) => !isFaded)
      if (ours.holdings.replicates(shard) || entries.length === 0) continue
      if (stateThere(shard) !== 'partial' && (isHeldThere(shard) || ours.sets.of(shard).others.includes(peer))) {
        const wants = (session: string) => following.isFollowed(session)
        const checked = await checkSessions(ours, { peer, shard, entries, wants })
        refused ||= checked.refused.size > 0
      }
    }
    ours.inbox.retry()
    onDone()
    return refused
  }

  /**
   * Compares the roots of a heartbeat with ours. A difference is natural while changes are on their way: it is acted
   * on only once both roots have stood still for a while, a little longer on the side with the greater id so that the
   * two do not do it at once. Frames lost under load are noticed by their numbers; nothing waits for this then.
   */
  #compare(info: HeartbeatInfo): void {
    const { clock, syncIntervalMs, exchange: ours } = this.#options
    if (info.leaving) return
    const repair = this.#peer(info.peer)
    // An idle mesh says the same again and again; both are the same objects then.
    const announced = ours.holdings.announced()
    if (repair.equalTo?.theirs === info.holdings && repair.equalTo.own === announced) return
    repair.equalTo = undefined
    const now = clock.monotonic()
    const patienceMs = info.peer > ours.transport.self ? syncIntervalMs / 2 : syncIntervalMs
    const lasting: number[] = []
    const equals: number[] = []
    let isOpen = false
    for (const shard of repair.differing.keys()) if (!info.holdings.has(shard)) repair.differing.delete(shard)
    for (const [shard, { state, root }] of info.holdings) {
      if (state === 'partial') continue
      if (!ours.holdings.replicates(shard)) {
        repair.differing.delete(shard)
        if (!this.#isNews(shard, root)) continue
        if (this.#isFollowTime(shard, root, now)) lasting.push(shard)
        else isOpen = true
        continue
      }
      const own = announced.get(shard)?.root ?? ours.catalog.tree(shard).root()
      if (digestsEqual(root, own)) {
        repair.differing.delete(shard)
        equals.push(shard)
        continue
      }
      const known = repair.differing.get(shard)
      const isStill = known !== undefined && digestsEqual(known.own, own) && digestsEqual(known.theirs, root)
      const since = isStill ? known.since : now
      const first = known?.first ?? now
      const isLasting = now - since >= patienceMs || now - first >= syncIntervalMs * MOVING_PATIENCE
      repair.differing.set(shard, { own, theirs: root, since, first: isLasting ? now : first })
      if (isLasting) lasting.push(shard)
    }
    if (equals.length > 0) this.#options.onCompared(info.peer, equals)
    if (lasting.length > 0) this.request(info.peer, lasting)
    if (repair.differing.size === 0 && !isOpen) repair.equalTo = { theirs: info.holdings, own: announced }
  }

  /** Whether something has changed in a shard of which sessions are open here, since they were compared. */
  #isNews(shard: number, root: Uint8Array): boolean {
    const last = this.#followed.get(shard)
    return this.#options.following.follows(shard) && (last === undefined || !digestsEqual(last.root, root))
  }

  #isFollowTime(shard: number, root: Uint8Array, now: number): boolean {
    const last = this.#followed.get(shard)
    if (last !== undefined && now - last.at < this.#options.syncIntervalMs) return false
    this.#followed.set(shard, { root, at: now })
    return true
  }

  #settle(): Promise<void> {
    return this.#options.exchange.catalog.settleQuiet(SETTLE_QUIET_MS, SETTLE_MAX_MS)
  }

  #peer(peer: PeerId): PeerRepair {
    const known = this.#peers.get(peer)
    if (known !== undefined) return known
    const repair: PeerRepair = {
      wanted: new Set(),
      sessions: new Set(),
      running: undefined,
      differing: new Map(),
      failures: 0,
      equalTo: undefined,
    }
    this.#peers.set(peer, repair)
    return repair
  }
}

function failedPauseMs({ failures }: PeerRepair): number {
  return Math.min(FAILED_PAUSE_MS * 2 ** Math.max(0, failures - 1), FAILED_PAUSE_MAX_MS)
}
