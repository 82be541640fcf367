// What each replica has acknowledged of this peer's frames, shard by shard. An acknowledgement names a range: "from this
// seq up to and with that one, all of it is on my disk, dependencies included". It begins at 1 unless the replica
// subscribed later and no exchange has covered what came before.
import type { PeerId } from '../../transport/port.ts'
import { Pace } from './pace.ts'

interface SentFrame {
  readonly sequence: number
  /** Monotonic ms. */
  readonly at: number
  /** Of the updates in it. */
  readonly bytes: number
}

interface Replica {
  /** The acknowledged range; empty while `to` is less than `from`. */
  from: number
  to: number
  /** Seq that existed when the replica came: older frames reach it by anti-entropy, not by gossip. */
  readonly baseline: number
}

interface Shard {
  last: number
  /** What frames up to and with this seq brought may have been let go here since, on others' proof that they hold it. */
  released: number
  /** What was sent and some replica has not acknowledged yet, for measuring lag; beyond SENT_MAX ages are lower bounds. */
  readonly sent: SentFrame[]
  readonly replicas: Map<PeerId, Replica>
  /** The list that they are set to, if nobody was forgotten since. */
  asked: readonly PeerId[] | undefined
}

/** What a peer owes over all shards. */
interface Debt {
  /** Those of which it is a replica. */
  shards: number
  pendingFrames: number
  /** When the latest frame was sent that it has acknowledged, of any shard. */
  ackedSentAt: number
  readonly pace: Pace
}

const SENT_MAX = 1024

export class AckLedger {
  readonly #shards = new Map<number, Shard>()
  readonly #debts = new Map<PeerId, Debt>()
  readonly #now: () => number

  /** @param now monotonic ms */
  constructor(now: () => number) {
    this.#now = now
  }

  /** Everyone whose acknowledgements are taken, of any shard. */
  replicas(): readonly PeerId[] {
    return [...this.#debts.keys()]
  }

  /** Those of one shard. */
  replicasOf(shard: number): readonly PeerId[] {
    return [...(this.#shards.get(shard)?.replicas.keys() ?? [])]
  }

  /** Takes acknowledgements of the shard from these peers and no others. Who stays keeps what it has acknowledged. */
  setReplicas(shard: number, peers: readonly PeerId[]): void {
    const state = this.#shard(shard)
    if (state.asked === peers) return
    state.asked = peers
    const { replicas, last } = state
    // As on most calls: whenever any shard's replicas may have changed, all are set.
    if (peers.length === replicas.size && peers.every((peer) => replicas.has(peer))) return
    const staying = new Set(peers)
    for (const peer of [...replicas.keys()]) if (!staying.has(peer)) this.#leave(peer, shard)
    for (const peer of peers) {
      if (replicas.has(peer)) continue
      replicas.set(peer, { from: last + 1, to: 0, baseline: last })
      const debt = this.#debts.get(peer)
      if (debt === undefined) this.#debts.set(peer, { shards: 1, pendingFrames: 0, ackedSentAt: 0, pace: new Pace() })
      else debt.shards++
    }
  }

  /** The peer is gone, or is a new process that has acknowledged nothing yet. */
  forget(peer: PeerId): void {
    for (const [shard, state] of this.#shards) {
      state.asked = undefined
      this.#leave(peer, shard)
    }
  }

  /** Gives the shard's next frame, with so many bytes of updates, its seq. */
  next(shard: number, now: number, bytes: number): number {
    const state = this.#shard(shard)
    state.last++
    if (state.replicas.size === 0) return state.last
    const isNoted = state.sent.length < SENT_MAX
    if (isNoted) state.sent.push({ sequence: state.last, at: now, bytes })
    for (const peer of state.replicas.keys()) {
      this.#owe(peer, 1)
      if (isNoted) this.#debts.get(peer)?.pace.sent(bytes)
    }
    return state.last
  }

  last(shard: number): number {
    return this.#shards.get(shard)?.last ?? 0
  }

  /** Sessions of the shard were let go: that this peer's disk is like another's says nothing of older frames any more. */
  letGo(shard: number): void {
    const state = this.#shard(shard)
    for (const [peer, replica] of state.replicas) this.#writeOff(peer, replica, state)
    state.released = state.last
    forgetSent(state)
  }

  /** First frame of which this peer's disk surely holds what it brought. */
  heldFrom(shard: number): number {
    return (this.#shards.get(shard)?.released ?? 0) + 1
  }

  /** Whether the acknowledgement brought anything new. A seq never given is not believed. */
  acknowledge(peer: PeerId, shard: number, sequence: number, from = 1): boolean {
    const state = this.#shards.get(shard)
    const replica = state?.replicas.get(peer)
    if (state === undefined || replica === undefined || sequence > state.last) return false
    if (sequence <= replica.to && Math.max(1, from) >= replica.from) return false
    const before = settled(replica, state)
    if (!extend(replica, Math.max(1, from), sequence)) return false
    const done = settled(replica, state)
    this.#owe(peer, before - done)
    this.#debts.get(peer)?.pace.acknowledged(bytesBetween(state, before, done), this.#now())
    const frame = state.sent.find((sent) => sent.sequence === sequence)
    const debt = this.#debts.get(peer)
    if (frame !== undefined && debt !== undefined) debt.ackedSentAt = Math.max(debt.ackedSentAt, frame.at)
    forgetSent(state)
    return true
  }

  /** Whether the peer holds the shard's frame `sequence` on disk. */
  hasAcknowledged(peer: PeerId, shard: number, sequence: number): boolean {
    const replica = this.#shards.get(shard)?.replicas.get(peer)
    return replica !== undefined && sequence <= replica.to && sequence >= replica.from
  }

  /** Whether the replica holds whatever this peer still holds of its own frames up to `sequence`. */
  holds(peer: PeerId, shard: number, sequence: number): boolean {
    const heldFrom = this.heldFrom(shard)
    if (sequence < heldFrom) return true
    const replica = this.#shards.get(shard)?.replicas.get(peer)
    return replica !== undefined && replica.from <= heldFrom && replica.to >= sequence
  }

  /** Frames gossiped to the peer and not acknowledged yet. */
  pendingFrames(peer: PeerId): number {
    return this.#debts.get(peer)?.pendingFrames ?? 0
  }

  /** Whether more is on the way to the peer than it has shown that it takes: see pace.ts. */
  outpaces(peer: PeerId): boolean {
    return this.#debts.get(peer)?.pace.isExceeded(this.#now()) ?? false
  }

  /** Age of the oldest of them, ms. */
  lagMs(peer: PeerId, now: number): number {
    let oldest = now
    for (const { first } of this.#behind(peer)) oldest = Math.min(oldest, first.at)
    return now - oldest
  }

  /**
   * Shards of which a frame must be taken for lost on its way to the replica: one sent `overtakenMs` later was
   * acknowledged already, or nothing was for `silentMs`. Mere age proves nothing: a busy replica acknowledges late, and
   * repairing what was not lost would only make it busier.
   */
  lost(peer: PeerId, now: number, limits: { readonly overtakenMs: number; readonly silentMs: number }): number[] {
    const ackedSentAt = this.#debts.get(peer)?.ackedSentAt ?? 0
    const shards: number[] = []
    for (const { shard, first } of this.#behind(peer)) {
      if (first.at + limits.overtakenMs < ackedSentAt || now - first.at >= limits.silentMs) shards.push(shard)
    }
    return shards
  }

  /** Shards of which the peer has frames to acknowledge, each with the oldest of those frames. */
  *#behind(peer: PeerId): Generator<{ shard: number; first: SentFrame }> {
    if (this.pendingFrames(peer) === 0) return
    for (const [shard, state] of this.#shards) {
      const replica = state.replicas.get(peer)
      if (replica === undefined) continue
      const done = settled(replica, state)
      const first = state.sent.find((frame) => frame.sequence > done)
      if (first !== undefined) yield { shard, first }
    }
  }

  #shard(shard: number): Shard {
    const known = this.#shards.get(shard)
    if (known !== undefined) return known
    const state: Shard = { last: 0, released: 0, sent: [], replicas: new Map(), asked: undefined }
    this.#shards.set(shard, state)
    return state
  }

  #leave(peer: PeerId, shard: number): void {
    const state = this.#shard(shard)
    const replica = state.replicas.get(peer)
    if (replica === undefined) return
    this.#writeOff(peer, replica, state)
    state.replicas.delete(peer)
    const debt = this.#debts.get(peer)
    if (debt !== undefined && --debt.shards === 0) this.#debts.delete(peer)
    forgetSent(state)
  }

  /** Nothing more is expected of what was sent so far. */
  #writeOff(peer: PeerId, replica: Replica, state: Shard): void {
    const done = settled(replica, state)
    this.#owe(peer, done - state.last)
    this.#debts.get(peer)?.pace.writtenOff(bytesBetween(state, done, state.last))
  }

  #owe(peer: PeerId, frames: number): void {
    const debt = this.#debts.get(peer)
    if (debt !== undefined) debt.pendingFrames += frames
  }
}

/**
 * Ranges grow at both ends, whatever order the messages come in. One that begins beyond the old one is of a replica that
 * has let the shard go meanwhile and taken it up again; one that ends before it is late. Returns whether it counts.
 */
function extend(replica: Replica, from: number, to: number): boolean {
  const isEmpty = replica.to < replica.from
  if (!isEmpty && to < replica.from - 1) return false
  const isNew = isEmpty || from > replica.to + 1
  replica.from = isNew ? from : Math.min(replica.from, from)
  replica.to = isNew ? to : Math.max(replica.to, to)
  return true
}

/** Up to where nothing more is expected of the replica. */
function settled({ from, to, baseline }: Replica, { released }: Shard): number {
  const done = Math.max(baseline, released)
  return from <= done + 1 ? Math.max(to, done) : done
}

/** Of the frames after `from`, up to and with `to`. */
function bytesBetween({ sent }: Shard, from: number, to: number): number {
  let bytes = 0
  for (const frame of sent) {
    if (frame.sequence > to) break
    if (frame.sequence > from) bytes += frame.bytes
  }
  return bytes
}

/** Drops what every replica has acknowledged. */
function forgetSent(state: Shard): void {
  const { last, sent, replicas } = state
  let everywhere = last
  for (const replica of replicas.values()) everywhere = Math.min(everywhere, settled(replica, state))
  const keep = sent.findIndex((frame) => frame.sequence > everywhere)
  if (keep < 0) sent.length = 0
  else sent.splice(0, keep)
}
