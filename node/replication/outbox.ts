// The outbox: local changes on their way out. A loop takes the shard whose change has waited longest and publishes
// everything waiting there as one frame. While one publish is under way more gathers, so frames grow with the load
// and shrink to single changes without it: adaptive batching, nothing to tune (DESIGN.md section 6).
import { GOSSIP_BYTES_MAX } from '../../transport/port.ts'
import type { Transport } from '../../transport/port.ts'
import { Frame } from '../../transport/wire/messages.js'
import { WIRE_VERSION } from '../membership/heartbeat.ts'
import type { Clock } from '../ports/clock.ts'
import type { AckLedger } from './acked.ts'
import type { Write } from './durability.ts'

/** Bytes of updates gathered into one frame, unless a single one is larger: on a slow link, heartbeats wait behind it. */
const FRAME_BYTES_MAX = 32 * 1024
/** Updates larger than this go over direct streams only: the rest of a gossip message must fit beside them. */
const GOSSIP_UPDATE_BYTES_MAX = GOSSIP_BYTES_MAX - 64 * 1024
/** Bytes waiting here at which writers must wait. */
const WAITING_BYTES_MAX = 16 * 1024 * 1024

interface Change {
  readonly write: Write
  readonly update: Uint8Array
}

/** What goes into one frame, and the bytes of its updates. */
interface Batch {
  readonly changes: readonly Change[]
  readonly bytes: number
}

export interface OutboxOptions {
  readonly transport: Transport
  readonly clock: Clock
  readonly boot: string
  readonly ledger: AckLedger
  readonly topicOf: (shard: number) => string
  /** Whether a replica of the shard is too far behind for more frames of it now. */
  readonly congested: (shard: number) => boolean
  /** A frame could not be gossiped whole: the shard must be exchanged directly. */
  readonly onUngossiped: (shard: number) => void
  readonly onFrame: (shard: number, updates: number, bytes: number) => void
  readonly onError: (error: unknown) => void
}

export class Outbox {
  readonly #options: OutboxOptions
  /** Waiting changes by shard, the shard that waited longest first. */
  readonly #waiting = new Map<number, Change[]>()
  #waitingBytes = 0
  #running = false
  #wakers: (() => void)[] = []

  constructor(options: OutboxOptions) {
    this.#options = options
  }

  add(change: Change): void {
    const changes = this.#waiting.get(change.write.shard)
    if (changes === undefined) this.#waiting.set(change.write.shard, [change])
    else changes.push(change)
    this.#waitingBytes += change.update.length
    this.pump()
  }

  get waitingBytes(): number {
    return this.#waitingBytes
  }

  /** Resolves when there is room for another write; undefined if there is. */
  room(): Promise<void> | undefined {
    return this.#waitingBytes > WAITING_BYTES_MAX ? this.#roomMade() : undefined
  }

  /** Publishes what may be published now. */
  pump(): void {
    if (this.#running) return
    this.#running = true
    this.#run()
      .catch(this.#options.onError)
      .finally(() => {
        this.#running = false
        // What came between the loop's last look and here must not wait for the next change.
        if (this.#next() !== undefined) this.pump()
      })
  }

  async #roomMade(): Promise<void> {
    while (this.#waitingBytes > WAITING_BYTES_MAX) await new Promise<void>((resolve) => this.#wakers.push(resolve))
  }

  async #run(): Promise<void> {
    // One turn of the microtask queue: changes made together leave together.
    await Promise.resolve()
    for (let shard = this.#next(); shard !== undefined; shard = this.#next()) {
      await this.#publish(shard, this.#take(shard))
      for (const wake of this.#wakers.splice(0)) wake()
    }
  }

  /** The shard that has waited longest of those whose replicas keep up. */
  #next(): number | undefined {
    for (const shard of this.#waiting.keys()) if (!this.#options.congested(shard)) return shard
    return undefined
  }

  /** The next frame's worth of a shard's changes. */
  #take(shard: number): Batch {
    const changes = this.#waiting.get(shard) ?? []
    this.#waiting.delete(shard)
    let bytes = 0
    let count = 0
    for (const change of changes) {
      if (count > 0 && bytes + change.update.length > FRAME_BYTES_MAX) break
      bytes += change.update.length
      count++
    }
    if (count < changes.length) this.#waiting.set(shard, changes.slice(count))
    this.#waitingBytes -= bytes
    return { changes: changes.slice(0, count), bytes }
  }

  async #publish(shard: number, { changes, bytes: size }: Batch): Promise<void> {
    const { transport, clock, ledger, boot } = this.#options
    const seq = ledger.next(shard, clock.monotonic(), size)
    for (const { write } of changes) write.sequence = seq
    if (changes.some(({ update }) => update.length > GOSSIP_UPDATE_BYTES_MAX)) {
      this.#options.onUngossiped(shard)
      return
    }
    const entries = changes.map(({ write, update }) => ({ session: write.session, update }))
    const frame = { version: WIRE_VERSION, origin: transport.self, boot, shard, seq, sentAt: clock.now(), entries }
    const bytes = Frame.encode(frame)
    this.#options.onFrame(shard, changes.length, bytes.length)
    const recipients = await transport.publish(this.#options.topicOf(shard), bytes).catch((error: unknown) => {
      this.#options.onError(error)
      return 0
    })
    if (recipients === 0 && ledger.replicasOf(shard).length > 0) this.#options.onUngossiped(shard)
  }
}
