// The inbox: frames from other peers. Each is checked, journalled, and acknowledged once it is on disk with all its
// dependencies. Acknowledgements are ranges per (origin, boot, shard), from the first frame that was seen; a gap, or an
// update that can't be integrated yet, stops them there and asks for an exchange with the origin, which covers what was
// missed.
import { hasCode, type SessionMeshError } from '../../crdt/errors.ts'
import type { GossipMessage, PeerId, Verdict } from '../../transport/port.ts'
import { Frame, type Ack } from '../../transport/wire/messages.js'
import { WIRE_VERSION } from '../membership/heartbeat.ts'
import type { Catalog } from '../sessions/catalog.ts'

/** Frames received beyond a gap that are remembered; more are covered by the exchange that closes the gap. */
const AHEAD_MAX = 4096

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
}

export interface InboxOptions {
  readonly catalog: Catalog
  readonly shardCount: number
  readonly acknowledge: (origin: PeerId, ack: Ack) => void
  /** Frames are missing, or wait for a dependency: ask the origin. */
  readonly onGap: (origin: PeerId, shard: number) => void
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

  /** Everything of the origin's frames up to `sequence` is on this peer's disk: an exchange has shown it. */
  covered(origin: PeerId, boot: string, shard: number, sequence: number): void {
    const stream = this.#stream(origin, boot, shard)
    if (stream === undefined) return
    if (sequence >= stream.base) stream.base = 0
    if (sequence > stream.contiguous) {
      stream.contiguous = sequence
      for (const ahead of stream.ahead) if (ahead <= sequence) stream.ahead.delete(ahead)
    }
    this.#advance(stream)
    this.#acknowledge(origin, shard, stream)
  }

  forget(origin: PeerId): void {
    this.#streams.delete(origin)
  }

  #handle(origin: PeerId, frame: Frame): void {
    const stream = this.#stream(origin, frame.boot, frame.shard)
    if (stream === undefined) return
    const whole = this.#integrateAll(frame)
    const gap = frame.seq > Math.max(stream.received, stream.contiguous) + 1
    if (stream.received === 0 && stream.contiguous === 0) stream.base = stream.contiguous = frame.seq - 1
    stream.received = Math.max(stream.received, frame.seq)
    if (!whole || gap) this.#options.onGap(origin, frame.shard)
    if (!whole) return
    this.#options.catalog.journal.flush().then(
      () => this.#onDisk(origin, frame, stream),
      () => {}, // the journal has failed: nothing is acknowledged any more, health says why
    )
  }

  #integrateAll(frame: Frame): boolean {
    const { catalog } = this.#options
    let whole = true
    for (const { session, update } of frame.entries) {
      try {
        const source = { origin: frame.origin, boot: frame.boot, frameSequence: frame.seq }
        if (catalog.receive(session, update, source) === 'parked') whole = false
      } catch (error) {
        whole = false
        this.#options.refuse(reasonOf(error), session, frame.origin, describe(error))
      }
    }
    return whole
  }

  #onDisk(origin: PeerId, frame: Frame, stream: Stream): void {
    if (frame.seq > stream.contiguous && stream.ahead.size < AHEAD_MAX) stream.ahead.add(frame.seq)
    const before = stream.contiguous
    this.#advance(stream)
    if (stream.contiguous > before) this.#acknowledge(origin, frame.shard, stream)
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
    const stream = { boot, base: 0, contiguous: 0, received: 0, ahead: new Set<number>() }
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
