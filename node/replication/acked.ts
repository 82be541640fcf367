// What each replica has acknowledged of this peer's frames, and who waits for it. Acknowledgements are cumulative per
// shard: "everything up to and with seq n of this shard is on my disk, dependencies included".
import type { PeerId } from '../../transport/port.ts'

interface SentFrame {
  readonly sequence: number
  /** Monotonic ms. */
  readonly at: number
}

interface Replica {
  /** Highest acknowledged seq per shard. */
  readonly acked: Map<number, number>
  /** Seq per shard that existed when the replica came: older frames reach it by anti-entropy, not by gossip. */
  readonly baseline: Map<number, number>
  /** When the latest frame was sent that it has acknowledged, of any shard. */
  ackedSentAt: number
}

/** Sent frames remembered per shard for measuring lag; beyond that the age is a lower bound. */
const SENT_MAX = 1024

export class AckLedger {
  readonly #replicas = new Map<PeerId, Replica>()
  readonly #lastSequence = new Map<number, number>()
  readonly #sent = new Map<number, SentFrame[]>()

  /** Replicas that writes may wait for. */
  replicas(): readonly PeerId[] {
    return [...this.#replicas.keys()]
  }

  /** A replica has come, or come back as a new process that acknowledged nothing yet. */
  join(peer: PeerId): void {
    this.#replicas.set(peer, { acked: new Map(), baseline: new Map(this.#lastSequence), ackedSentAt: 0 })
  }

  leave(peer: PeerId): void {
    this.#replicas.delete(peer)
    for (const shard of this.#sent.keys()) this.#forget(shard)
  }

  has(peer: PeerId): boolean {
    return this.#replicas.has(peer)
  }

  /** Gives the shard's next frame its seq. */
  next(shard: number, now: number): number {
    const sequence = this.last(shard) + 1
    this.#lastSequence.set(shard, sequence)
    if (this.#replicas.size > 0) {
      const sent = this.#sent.get(shard) ?? []
      this.#sent.set(shard, sent)
      if (sent.length < SENT_MAX) sent.push({ sequence, at: now })
    }
    return sequence
  }

  last(shard: number): number {
    return this.#lastSequence.get(shard) ?? 0
  }

  /** Whether the acknowledgement brought anything new. A seq never given is not believed. */
  acknowledge(peer: PeerId, shard: number, sequence: number): boolean {
    const replica = this.#replicas.get(peer)
    if (replica === undefined || sequence > this.last(shard)) return false
    if (sequence <= (replica.acked.get(shard) ?? 0)) return false
    replica.acked.set(shard, sequence)
    const frame = this.#sent.get(shard)?.find((sent) => sent.sequence === sequence)
    if (frame !== undefined) replica.ackedSentAt = Math.max(replica.ackedSentAt, frame.at)
    this.#forget(shard)
    return true
  }

  /** Replicas that hold the shard's frame `sequence` on disk. */
  holders(shard: number, sequence: number): PeerId[] {
    const holders: PeerId[] = []
    for (const [peer, replica] of this.#replicas) {
      if ((replica.acked.get(shard) ?? 0) >= sequence) holders.push(peer)
    }
    return holders
  }

  /** Whether the replica holds the shard up to `sequence`. */
  holds(peer: PeerId, shard: number, sequence: number): boolean {
    return (this.#replicas.get(peer)?.acked.get(shard) ?? 0) >= sequence
  }

  /** Frames gossiped to the replica and not acknowledged yet. */
  pendingFrames(peer: PeerId): number {
    let pending = 0
    for (const { missing } of this.#behind(peer)) pending += missing
    return pending
  }

  /** Age of the oldest of them, ms. */
  lagMs(peer: PeerId, now: number): number {
    let oldest = now
    for (const { shard, acked } of this.#behind(peer)) {
      const first = this.#sent.get(shard)?.find((frame) => frame.sequence > acked)
      if (first !== undefined) oldest = Math.min(oldest, first.at)
    }
    return now - oldest
  }

  /**
   * Shards of which a frame must be taken for lost on its way to the replica: one sent `overtakenMs` later was
   * acknowledged already, or nothing was for `silentMs`. Mere age proves nothing: a busy replica acknowledges late, and
   * repairing what was not lost would only make it busier.
   */
  lost(peer: PeerId, now: number, limits: { readonly overtakenMs: number; readonly silentMs: number }): number[] {
    const ackedSentAt = this.#replicas.get(peer)?.ackedSentAt ?? 0
    const shards: number[] = []
    for (const { shard, acked } of this.#behind(peer)) {
      const first = this.#sent.get(shard)?.find((frame) => frame.sequence > acked)
      if (first === undefined) continue
      if (first.at + limits.overtakenMs < ackedSentAt || now - first.at >= limits.silentMs) shards.push(shard)
    }
    return shards
  }

  *#behind(peer: PeerId): Generator<{ shard: number; acked: number; missing: number }> {
    const replica = this.#replicas.get(peer)
    if (replica === undefined) return
    for (const [shard, last] of this.#lastSequence) {
      const acked = Math.max(replica.acked.get(shard) ?? 0, replica.baseline.get(shard) ?? 0)
      if (acked < last) yield { shard, acked, missing: last - acked }
    }
  }

  /** Drops what every replica has acknowledged. */
  #forget(shard: number): void {
    const sent = this.#sent.get(shard)
    if (sent === undefined) return
    let everywhere = this.last(shard)
    for (const replica of this.#replicas.values()) {
      const acked = Math.max(replica.acked.get(shard) ?? 0, replica.baseline.get(shard) ?? 0)
      everywhere = Math.min(everywhere, acked)
    }
    const keep = sent.findIndex((frame) => frame.sequence > everywhere)
    if (keep < 0) sent.length = 0
    else sent.splice(0, keep)
  }
}
