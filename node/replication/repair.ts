// When to run an exchange with whom: at once when frames are known to be missing, and when heartbeats show that a
// shard's root differs from ours and goes on differing. At most one exchange per peer is under way from this side;
// what is asked for meanwhile waits for the next.
import { digestsEqual, hasCode } from '../../crdt/index.ts'
import type { PeerId } from '../../transport/port.ts'
import type { Membership } from '../membership/membership.ts'
import type { HeartbeatInfo, Holdings } from '../membership/view.ts'
import type { Cancel, Clock } from '../ports/clock.ts'
import { delay, every } from '../util/timers.ts'
import type { ExchangeOptions } from './exchange-server.ts'
import { exchange, type ExchangeResult } from './exchange.ts'

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
  readonly onDone: () => void
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
  running: Promise<void> | undefined
  /** Shards whose roots differed at the last heartbeat. */
  readonly differing: Map<number, Difference>
  /** Exchanges in a row that one of the two sides could not take all of. */
  failures: number
  /** What it holds and what we hold, when nothing differed. */
  equalTo: { readonly holdings: Holdings; readonly roots: Uint8Array } | undefined
}

export class RepairSchedule {
  readonly exchangeOptions: ExchangeOptions
  readonly #options: RepairOptions
  readonly #peers = new Map<PeerId, PeerRepair>()
  #running = false
  #settling = false

  constructor(options: RepairOptions) {
    this.#options = options
    this.exchangeOptions = options.exchange
  }

  start(): Cancel {
    const { clock, membership } = this.#options
    this.#running = true
    const cancels = [
      membership.events.on('heard', (info) => this.#compare(info)),
      every(clock, SETTLE_INTERVAL_MS, () => this.#settle()),
    ]
    return () => {
      this.#running = false
      for (const cancel of cancels) cancel()
    }
  }

  /** Asks for an exchange of these shards with the peer, soon. */
  request(peer: PeerId, shards: readonly number[]): void {
    if (!this.#running) return
    const repair = this.#peer(peer)
    for (const shard of shards) repair.wanted.add(shard)
    repair.running ??= this.#run(peer, repair).finally(() => {
      repair.running = undefined
      if (repair.wanted.size > 0) this.request(peer, [])
    })
  }

  /** Runs an exchange of every shard with the peer. */
  async now(peer: PeerId): Promise<void> {
    const all = Array.from({ length: this.#options.shardCount }, (_, shard) => shard)
    await this.#exchange(peer, all)
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

  async #run(peer: PeerId, repair: PeerRepair): Promise<void> {
    const { clock, membership, onError } = this.#options
    while (this.#running && repair.wanted.size > 0) {
      const shards = [...repair.wanted]
      repair.wanted.clear()
      try {
        const { refused } = await this.#exchange(peer, shards)
        repair.failures = refused ? repair.failures + 1 : 0
        await delay(clock, refused ? failedPauseMs(repair) : EXCHANGE_PAUSE_MS)
      } catch (error) {
        const status = membership.get(peer)?.status
        if (status !== 'alive' && status !== 'suspect') return
        for (const shard of shards) repair.wanted.add(shard)
        // A peer that can't be reached now is membership's business, and may be back any moment; whatever else went
        // wrong is worth a word.
        if (!hasCode(error, 'PEER_UNREACHABLE') && !hasCode(error, 'REQUEST_TIMEOUT')) {
          repair.failures++
          onError(error)
        }
        await delay(clock, failedPauseMs(repair))
      }
    }
  }

  async #exchange(peer: PeerId, shards: readonly number[]): Promise<ExchangeResult> {
    const result = await exchange(this.#options.exchange, peer, shards)
    this.#options.onDone()
    if (result.pulled > 0) this.#options.onNews()
    return result
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
    const roots = ours.catalog.roots()
    if (repair.equalTo?.holdings === info.holdings && repair.equalTo.roots === roots) return
    repair.equalTo = undefined
    const now = clock.monotonic()
    const patienceMs = info.peer > ours.transport.self ? syncIntervalMs / 2 : syncIntervalMs
    const lasting: number[] = []
    for (const [shard, { root: theirs }] of info.holdings) {
      const own = ours.catalog.tree(shard).root()
      if (digestsEqual(theirs, own)) {
        repair.differing.delete(shard)
        continue
      }
      const known = repair.differing.get(shard)
      const isStill = known !== undefined && digestsEqual(known.own, own) && digestsEqual(known.theirs, theirs)
      const since = isStill ? known.since : now
      const first = known?.first ?? now
      const isLasting = now - since >= patienceMs || now - first >= syncIntervalMs * MOVING_PATIENCE
      repair.differing.set(shard, { own, theirs, since, first: isLasting ? now : first })
      if (isLasting) lasting.push(shard)
    }
    if (lasting.length > 0) this.request(info.peer, lasting)
    if (repair.differing.size === 0) repair.equalTo = { holdings: info.holdings, roots }
  }

  #settle(): void {
    if (this.#settling) return
    this.#settling = true
    this.#options.exchange.catalog
      .settleQuiet(SETTLE_QUIET_MS, SETTLE_MAX_MS)
      .catch(this.#options.onError)
      .finally(() => {
        this.#settling = false
      })
  }

  #peer(peer: PeerId): PeerRepair {
    const known = this.#peers.get(peer)
    if (known !== undefined) return known
    const repair: PeerRepair = {
      wanted: new Set(),
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
