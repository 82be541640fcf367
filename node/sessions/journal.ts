// The journal: every update of every session on its way to the store, in one order, so that "everything so far is on
// disk" is one promise to wait for. Once an append has failed nothing more is believed (a failed fsync is never
// retried as if nothing had happened): the peer turns read-only and unhealthy.
import { SessionMeshError } from '../../crdt/errors.ts'
import type { Clock } from '../ports/clock.ts'
import type { Store } from '../ports/store.ts'
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
  #last: Promise<void> = Promise.resolve()
  #failure: SessionMeshError | undefined

  constructor(store: Store, clock: Clock) {
    this.#store = store
    this.#clock = clock
  }

  get failure(): SessionMeshError | undefined {
    return this.#failure
  }

  /** @throws STORE_FAILED once the store has failed: callers ask before they change anything. */
  assertWritable(): void {
    if (this.#failure !== undefined) throw this.#failure
  }

  /** Logs one update; resolves when it, and all logged before it, are on disk. */
  append(entry: Entry, update: Uint8Array, source: Source): Promise<void> {
    entry.sequence++
    entry.tailRecords++
    entry.tailBytes += update.length
    entry.unread.add(update)
    entry.appending++
    const record = { session: entry.id, sequence: entry.sequence, ...source, time: this.#clock.now(), update }
    const onDisk = this.#store.append([record]).then(
      () => this.#appended(entry),
      (cause: unknown) => this.#failed(cause),
    )
    // The caller may care for `flush` alone: its rejection must not count as unhandled.
    onDisk.catch(() => {})
    this.#last = onDisk
    return onDisk
  }

  /** Resolves when everything appended so far is on disk. */
  flush(): Promise<void> {
    return this.#failure === undefined ? this.#last : Promise.reject(this.#failure)
  }

  /** Replaces an entry's log by one base: up to now, or what `folded` names. */
  async compact(
    entry: Entry,
    update: Uint8Array,
    folded: Folded = { throughSequence: entry.sequence, records: entry.tailRecords, bytes: entry.tailBytes },
  ): Promise<void> {
    const { throughSequence, records, bytes } = folded
    try {
      await this.#store.compact({ session: entry.id, throughSequence, update })
    } catch (cause) {
      this.#failed(cause)
    }
    entry.tailRecords -= records
    entry.tailBytes -= bytes
    entry.baseBytes = update.length
  }

  #appended(entry: Entry): void {
    entry.appending--
    if (entry.appending === 0 && entry.hydrating === undefined) entry.unread.clear()
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
