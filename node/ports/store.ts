// The Store port: a peer's disk. Sessions at rest are bytes: a base (compacted document) and a tail of log records.
// Implementations: node/store/level.ts (the real one), node/store/memory.ts, and the simulator's.
// test/contract/store.contract.ts is its specification.

/** One update of one session in the event log. */
export interface LogRecord {
  readonly session: string
  /** Per session, growing; the store keeps records of a session in this order. */
  readonly sequence: number
  /** Peer id of the writer. */
  readonly origin: string
  /** Boot id of the writer. */
  readonly boot: string
  /** Frame that brought it; 0 when it came another way. */
  readonly frameSequence: number
  /** Wall clock of this peer when it was logged, ms since the epoch. */
  readonly time: number
  readonly update: Uint8Array
}

/** A session's compacted document: stands for every log record up to and with `throughSequence`. */
export interface StoredBase {
  readonly session: string
  readonly throughSequence: number
  /** Yjs update, encoding v1. */
  readonly update: Uint8Array
}

export interface StoredSession {
  readonly base: StoredBase | undefined
  /** Records after the base, in order. */
  readonly tail: readonly LogRecord[]
}

export interface StoreReport {
  /** Records set aside, now or earlier, because their checksum or form was wrong. */
  readonly quarantined: number
  /** Damage that was found now, a sentence each, in words for people: what is stored may be less than it was. */
  readonly damage: readonly string[]
}

/** What a start needs to know of a session, in bytes that the store doesn't understand. */
export interface Summary {
  readonly session: string
  readonly summary: Uint8Array
}

export interface StoredSummary {
  readonly session: string
  readonly summary: Uint8Array | undefined
}

export interface InspectionStep {
  /** How much was looked at. */
  readonly bytes: number
  /** As in StoreReport; it is mended when the store is opened the next time. */
  readonly damage: readonly string[]
}

/** What is stored, as it was at one instant: later writes don't show. */
export interface StoreView {
  /** What is stored of one session; undefined if nothing is. */
  read(session: string): Promise<StoredSession | undefined>
  /** Every stored session once, in id order. */
  sessions(): AsyncIterable<{ readonly session: string; readonly stored: StoredSession }>
  /** Lets go of it: it costs disk space while it is held. Idempotent; reads under way are finished. */
  close(): Promise<void>
}

export interface Store {
  /**
   * Why nothing can be written now, if that will pass: the disk is full. Writes under way wait and none is lost; reads go
   * on; the store comes back by itself. A store may reject them with STORE_FAILED instead, for good.
   */
  readonly obstacle: string | undefined
  /**
   * @throws SessionMeshError STORE_LOCKED when another process has it open, STORE_CORRUPT when nothing can be read of
   *   it, STORE_FAILED otherwise
   */
  open(): Promise<StoreReport>
  /** Waits for appends under way. Idempotent. */
  close(): Promise<void>
  /**
   * Adds records to the log; on disk when it resolves. Appends become durable in the order of the calls: when one has
   * resolved, so have all before it. All or nothing.
   * @throws SessionMeshError STORE_FAILED: nothing of this call may be counted on
   */
  append(records: readonly LogRecord[]): Promise<void>
  /** Replaces the session's records up to `base.throughSequence` by `base`, atomically; on disk when it resolves. */
  compact(base: StoredBase): Promise<void>
  /** What is stored of one session; undefined if nothing is. */
  read(session: string): Promise<StoredSession | undefined>
  /** Every stored session once, in id order. */
  sessions(): AsyncIterable<{ readonly session: string; readonly stored: StoredSession }>
  /**
   * Every stored session once, in id order, with what `putSummaries` last said of it; undefined if it was written to
   * since. A store may forget a summary at any time, never keep one that no longer holds.
   */
  summaries(): AsyncIterable<readonly StoredSummary[]>
  /** Keeps what is to be known of sessions without reading them, as they are after all calls before this one. */
  putSummaries(summaries: readonly Summary[]): Promise<void>
  /** A view of everything that has resolved so far. Taken at once, writers go on. Ends with the store at the latest. */
  view(): StoreView
  /**
   * Looks for damage that reading records does not show, a step at a time: the caller sets the pace. A store without
   * anything below its records has no steps.
   */
  inspect(): AsyncIterable<InspectionStep>
  /** Forgets a session wholly. */
  remove(session: string): Promise<void>
  /** Gives back to the disk what was removed and replaced, which a store may otherwise do in its own time. */
  reclaim(): Promise<{ readonly bytesBefore: number; readonly bytesAfter: number }>
  /** Small named values of the peer itself; on disk when `putMeta` resolves. */
  getMeta(key: string): Promise<Uint8Array | undefined>
  putMeta(key: string, value: Uint8Array): Promise<void>
}
