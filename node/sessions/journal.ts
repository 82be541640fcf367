// The journal: every update of every session on its way to the store, in one order, so that "everything so far is on
// disk" is one promise to wait for. What is logged in one go (a frame's updates, the writes that one acknowledgement
// released) is one batch: one call of the store and one promise, however many records.
//
// Once an append has failed nothing more is believed (a failed fsync is never retried as if nothing had happened): the
// peer turns read-only and unhealthy.
import { SessionMeshError } from '../../crdt/errors.ts'
import type { Clock } from '../ports/clock.ts'
import type { LogRecord, Store } from '../ports/store.ts'
import type { Entry } from './entry.ts'

/** Where an update came from. */
export interface Source {
  readonly origin: string
  readonly boot: string
  readonly frameSequence: number
}

/** Log records that a base stands for. */
interface Folded {
  readonly throughSequence: number
  readonly records: number
  readonly bytes: number
}

export class Journal {
  readonly #store: Store
  readonly #clock: Clock
  /** Records of the batch that is being gathered. */
  #records: LogRecord[] = []
  /** Resolves when the batch begun last is on disk, and all before it. */
  #last: Promise<void> = Promise.resolve()
  /** Batches begun, and those of them that are on disk. */
  #begun = 0
  #written = 0
  #failure: SessionMeshError | undefined

  constructor(store: Store, clock: Clock) {
    this.#store = store
    this.#clock = clock
  }

  get failure(): SessionMeshError | undefined {
    return this.#failure
  }

  /** The peer stops: takes nothing more, and resolves when all that it has taken is on disk, or has failed to be. */
  async close(): Promise<void> {
    this.#failure ??= new SessionMeshError('PEER_NOT_RUNNING', 'the peer is stopping')
    // What waits for room on the disk would wait for ever; failures health has told already.
    if (this.#store.obstacle === undefined) await this.settled()
  }

  /** @throws PEER_NOT_RUNNING once closed, STORE_FAILED once the store has failed, STORE_FULL while its disk has no room: callers ask first. */
  assertWritable(): void {
    if (this.#failure !== undefined) throw this.#failure
    const { obstacle } = this.#store
    if (obstacle !== undefined) throw new SessionMeshError('STORE_FULL', `this peer is read-only for now: ${obstacle}`)
  }

  /** Logs one update; resolves when it, and all logged before it, are on disk. The promise is its whole batch's. */
  append(entry: Entry, update: Uint8Array, { origin, boot, frameSequence }: Source): Promise<void> {
    entry.sequence++
    entry.tailRecords++
    entry.tailBytes += update.length
    if (this.#records.length === 0) this.#begin()
    entry.batch = this.#begun
    const { id: session, sequence } = entry
    this.#records.push({ session, sequence, origin, boot, frameSequence, time: this.#clock.now(), update })
    return this.#last
  }

  /** Resolves when everything appended so far is on disk. */
  flush(): Promise<void> {
    return this.#failure === undefined ? this.#last : Promise.reject(this.#failure)
  }

  /** Resolves when everything appended so far is on disk or has failed to be, also once the journal is closed. */
  settled(): Promise<void> {
    return this.#last.catch(() => {})
  }

  /** Whether all that was logged of the session can be read from the store. */
  isWritten(entry: Entry): boolean {
    return entry.batch <= this.#written
  }

  /** Replaces an entry's log by one base: up to now, or what `folded` names. */
  async compact(
    entry: Entry,
    update: Uint8Array,
    folded: Folded = { throughSequence: entry.sequence, records: entry.tailRecords, bytes: entry.tailBytes },
  ): Promise<void> {
    const { throughSequence, records, bytes } = folded
    try {
      // After the records that it stands for, or they would be left beside it.
      await this.#last
      await this.#store.compact({ session: entry.id, throughSequence, update })
    } catch (cause) {
      this.#failed(cause)
    }
    entry.tailRecords -= records
    entry.tailBytes -= bytes
    entry.baseBytes = update.length
  }

  /** Removes all that was logged of a session. */
  async remove(entry: Entry): Promise<void> {
    try {
      await this.#store.remove(entry.id)
    } catch (cause) {
      this.#failed(cause)
    }
  }

  #begin(): void {
    this.#begun++
    this.#last = this.#write(this.#begun)
    // Nobody may be waiting for it: its rejection must not count as unhandled.
    this.#last.catch(() => {})
  }

  async #write(batch: number): Promise<void> {
    await Promise.resolve()
    const records = this.#records
    this.#records = []
    try {
      await this.#store.append(records)
    } catch (cause) {
      this.#failed(cause)
    }
    this.#written = batch
  }

  #failed(cause: unknown): never {
    this.#failure ??= new SessionMeshError('STORE_FAILED', `the store failed, this peer is read-only: ${text(cause)}`, {
      cause,
    })
    throw this.#failure
  }
}

function text(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}
