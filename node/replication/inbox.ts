// The inbox: frames from other peers. Each is checked, journalled, and acknowledged once it is on disk with all its
// dependencies. Acknowledgements are ranges per (origin, boot, shard), from the first frame that was seen; a gap, or an
// update that can't be integrated yet, stops them there and asks for an exchange with the origin, which covers what was
// missed.
import { hasCode, type SessionMeshError } from '../../crdt/errors.ts'
import type { GossipMessage, PeerId, Verdict } from '../../transport/port.ts'
import { Frame, type Ack, type Entry } from '../../transport/wire/messages.js'
import { WIRE_VERSION } from '../membership/heartbeat.ts'
import type { Catalog } from '../sessions/catalog.ts'
import type { Source } from '../sessions/journal.ts'
import type { Interest } from './topics.ts'

/** Frames received beyond a gap that are remembered; more are covered by the exchange that closes the gap. */
const AHEAD_MAX = 4096
/** Frames per stream that are remembered while they wait; others are covered by an exchange. */
const WAITING_MAX = 256

interface Stream {
  readonly boot: string
  /** Frames up to and with this seq were not seen, and no exchange has covered them yet: the stream was joined late. */
  base: number
  /** Every frame after `base` up to and with this seq is handled. */
  contiguous: number
  /** Highest seq received, whether or not it is on disk yet: what a gap is measured from. */
  received: number
  /** Handled beyond a gap. */
  readonly ahead: Set<number>
  /** Frames with updates that wait for a dependency. */
  readonly waiting: Map<number, readonly Entry[]>
}

export interface Missing {
  readonly gap: boolean
  readonly waiting: readonly string[]
}

export interface InboxOptions {
  readonly catalog: Catalog
  readonly shardCount: number
  readonly acknowledge: (origin: PeerId, ack: Ack) => void
  /**
   * `all`: everything is taken in and acknowledged. `open`: what `isFollowed` names is taken in, nothing acknowledged.
   * `none`: this peer has just left the topic.
   */
  readonly interest: (shard: number) => Interest
  readonly isFollowed: (session: string) => boolean
  /** Frames of the shard are missing, or these sessions wait for a dependency: ask the origin. */
  readonly onGap: (origin: PeerId, shard: number, missing: Missing) => void
  readonly onFrame: (updates: number, bytes: number) => void
  readonly refuse: (reason: string, session: string, origin: string, detail: string) => void
  readonly allowed: (peer: PeerId) => boolean
}

export class Inbox {
  readonly #options: InboxOptions
  readonly #streams = new Map<PeerId, Map<number, Stream>>()

  constructor(options: InboxOptions) {
    this.#options = options
  }

  /** Handles one gossip message of shard `shard`. */
  receive(shard: number, message: GossipMessage): Verdict {
    if (!this.#options.allowed(message.from)) return this.#reject('stranger', message.from, 'not in allowedPeers')
    let frame: Frame
    try {
      frame = Frame.decode(message.bytes)
    } catch {
      return this.#reject('malformed-frame', message.from, `${message.bytes.length} bytes that are not a frame`)
    }
    if (frame.origin !== message.from) {
      return this.#reject('forged-origin', message.from, `frame of origin ${frame.origin.slice(0, 80)}`)
    }
    if (frame.version !== WIRE_VERSION || frame.shard !== shard || frame.seq < 1 || !isBoot(frame.boot)) {
      return this.#reject(
        'malformed-frame',
        message.from,
        `version ${frame.version}, shard ${frame.shard}, seq ${frame.seq}`,
      )
    }
    this.#options.onFrame(frame.entries.length, message.bytes.length)
    this.#handle(message.from, frame)
    return 'accept'
  }

  /** All that the origin itself still holds of these frames of its own is on this peer's disk: an exchange has shown it. */
  covered(origin: PeerId, { boot, shard, from, seq }: Ack): void {
    const first = Math.max(1, from)
    if (seq < first || this.#options.interest(shard) !== 'all') return
    const stream = this.#stream(origin, boot, shard)
    if (stream === undefined) return
    const isEmpty = stream.contiguous === stream.base
    if (!isEmpty && seq < stream.base) return
    if (isEmpty || first > stream.contiguous + 1) {
      stream.base = first - 1
      stream.contiguous = seq
    } else {
      stream.base = Math.min(stream.base, first - 1)
      stream.contiguous = Math.max(stream.contiguous, seq)
    }
    for (const ahead of stream.ahead) if (ahead <= stream.contiguous) stream.ahead.delete(ahead)
    for (const held of stream.waiting.keys()) if (held <= stream.contiguous) stream.waiting.delete(held)
    this.#advance(stream)
    this.#acknowledge(origin, shard, stream)
  }

  /** The shard is no longer replicated here: what was received of it says nothing once it is let go. */
  forgetShard(shard: number): void {
    for (const shards of this.#streams.values()) shards.delete(shard)
  }

  /** What some frames waited for may have come: they are taken in, and acknowledged, if it has. */
  retry(): void {
    for (const [origin, shards] of this.#streams) {
      for (const [shard, stream] of shards) {
        for (const [seq, entries] of stream.waiting) {
          if (entries.some(({ session }) => this.#isWaiting(session))) continue
          const source = { origin, boot: stream.boot, frameSequence: seq }
          const { waiting, refused } = this.#integrateAll(source, entries)
          if (waiting.length > 0) continue
          stream.waiting.delete(seq)
          if (!refused) this.#acknowledgeOnDisk(origin, shard, seq, stream)
        }
      }
    }
  }

  #isWaiting(session: string): boolean {
    return (this.#options.catalog.get(session)?.parked.length ?? 0) > 0
  }

  forget(origin: PeerId): void {
    this.#streams.delete(origin)
  }

  #handle(origin: PeerId, frame: Frame): void {
    const interest = this.#options.interest(frame.shard)
    if (interest === 'none') return
    const stream = this.#stream(origin, frame.boot, frame.shard)
    if (stream === undefined) return
    const { isFollowed } = this.#options
    const { entries } = frame
    const wanted = interest === 'all' ? entries : entries.filter(({ session }) => isFollowed(session))
    const source = { origin, boot: frame.boot, frameSequence: frame.seq }
    const { waiting, refused } = this.#integrateAll(source, wanted)
    const gap = frame.seq > Math.max(stream.received, stream.contiguous) + 1
    if (stream.received === 0 && stream.contiguous === 0) stream.base = stream.contiguous = frame.seq - 1
    stream.received = Math.max(stream.received, frame.seq)
    if (waiting.length > 0 || refused || gap) {
      this.#options.onGap(origin, frame.shard, { gap: gap || refused, waiting: waiting.map(({ session }) => session) })
    }
    if (interest !== 'all' || refused) return
    if (waiting.length === 0) this.#acknowledgeOnDisk(origin, frame.shard, frame.seq, stream)
    else if (stream.waiting.size < WAITING_MAX) stream.waiting.set(frame.seq, waiting)
  }

  /** What could not be integrated yet, and whether anything was refused. */
  #integrateAll(source: Source, entries: readonly Entry[]): { waiting: Entry[]; refused: boolean } {
    const waiting: Entry[] = []
    let refused = false
    for (const entry of entries) {
      try {
        if (this.#options.catalog.receive(entry.session, entry.update, source) === 'parked') waiting.push(entry)
      } catch (error) {
        refused = true
        this.#options.refuse(reasonOf(error), entry.session, source.origin, describe(error))
      }
    }
    return { waiting, refused }
  }

  #acknowledgeOnDisk(origin: PeerId, shard: number, seq: number, stream: Stream): void {
    this.#options.catalog.journal.flush().then(
      () => this.#onDisk(origin, shard, seq, stream),
      () => {}, // the journal has failed: nothing is acknowledged any more, health says why
    )
  }

  #onDisk(origin: PeerId, shard: number, seq: number, stream: Stream): void {
    // Left since: nobody may count on what this peer is about to let go.
    if (this.#streams.get(origin)?.get(shard) !== stream) return
    if (seq > stream.contiguous && stream.ahead.size < AHEAD_MAX) stream.ahead.add(seq)
    const before = stream.contiguous
    this.#advance(stream)
    if (stream.contiguous > before) this.#acknowledge(origin, shard, stream)
  }

  #acknowledge(origin: PeerId, shard: number, { boot, base, contiguous }: Stream): void {
    if (contiguous > base) this.#options.acknowledge(origin, { boot, shard, seq: contiguous, from: base + 1 })
  }

  #advance(stream: Stream): void {
    while (stream.ahead.delete(stream.contiguous + 1)) stream.contiguous++
  }

  /** The origin's stream; frames of an older boot have none: that process is gone and nobody waits for its acks. */
  #stream(origin: PeerId, boot: string, shard: number): Stream | undefined {
    if (shard >= this.#options.shardCount) return undefined
    const shards = this.#streams.get(origin) ?? new Map<number, Stream>()
    this.#streams.set(origin, shards)
    const known = shards.get(shard)
    if (known !== undefined && known.boot >= boot) return known.boot === boot ? known : undefined
    const stream = { boot, base: 0, contiguous: 0, received: 0, ahead: new Set<number>(), waiting: new Map() }
    shards.set(shard, stream)
    return stream
  }

  #reject(reason: string, origin: PeerId, detail: string): Verdict {
    this.#options.refuse(reason, '', origin, detail)
    return 'reject'
  }
}

export function isBoot(boot: string): boolean {
  return /^[0-9a-f]{1,64}$/.test(boot)
}

/** The `refused` counter that an error belongs to. */
export function reasonOf(error: unknown): string {
  if (!hasCode(error)) return 'internal'
  return REASONS[error.code] ?? 'invalid'
}

const REASONS: Partial<Record<SessionMeshError['code'], string>> = {
  INVALID_SESSION_ID: 'invalid-id',
  INVALID_UPDATE: 'malformed-update',
  UPDATE_TOO_LARGE: 'too-large',
  STORE_FAILED: 'store-failed',
  STORE_FULL: 'store-full',
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
