// The queue in front of the disk. Changes that come while a batch is being synced are gathered into the next one and
// synced together, in the order of the calls: a disk does some hundred to some thousand syncs a second, whatever each
// carries. After a failed write nothing is accepted any more: what a failed sync left on disk is not known, and asking
// again would be answered from the kernel's cache.
//
// It knows nothing of the database: it is handed the one function that writes a batch.
import type { SessionMeshError } from '../../crdt/errors.ts'

/** Operations in one batch at most, and bytes past which none is added: keeps the memory of a batch bounded. */
const OPERATIONS_MAX = 4_096
const BYTES_MAX = 4 * 1024 * 1024

export type Operation =
  | { readonly type: 'put'; readonly key: Uint8Array; readonly value: Uint8Array }
  | { readonly type: 'del'; readonly key: Uint8Array }

/** What is written next, in order. Later operations win over earlier ones on the same key. */
export class Batch {
  readonly operations: Operation[] = []
  readonly #sessions: string[] = []
  /** Keys by session of the first so many operations: few batches are ever asked for them. */
  readonly #keys = new Map<string, Uint8Array[]>()
  #indexed = 0
  #bytes = 0

  get full(): boolean {
    return this.operations.length >= OPERATIONS_MAX || this.#bytes >= BYTES_MAX
  }

  put(session: string, key: Uint8Array, value: Uint8Array): void {
    this.#add(session, { type: 'put', key, value }, key.length + value.length)
  }

  del(session: string, key: Uint8Array): void {
    this.#add(session, { type: 'del', key }, key.length)
  }

  /** Keys of a session that this batch touches: what the database does not show yet. */
  keysOf(session: string): readonly Uint8Array[] {
    for (; this.#indexed < this.operations.length; this.#indexed++) {
      const [owner, operation] = [this.#sessions[this.#indexed], this.operations[this.#indexed]]
      if (owner === undefined || operation === undefined) break
      const keys = this.#keys.get(owner)
      if (keys === undefined) this.#keys.set(owner, [operation.key])
      else keys.push(operation.key)
    }
    return this.#keys.get(session) ?? []
  }

  #add(session: string, operation: Operation, bytes: number): void {
    this.operations.push(operation)
    this.#sessions.push(session)
    this.#bytes += bytes
  }
}

/** Adds its operations to the batch. May read the database first: all before it is there or in the batch. */
export type Change = (batch: Batch) => void | Promise<void>

interface Waiting {
  readonly change: Change
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

export interface GroupCommitOptions {
  /** On disk when it resolves; all or nothing. */
  readonly write: (operations: Operation[]) => Promise<void>
  /** What every call rejects with once `write`, or a change, has failed. */
  readonly toError: (cause: unknown) => SessionMeshError
}

export class GroupCommit {
  readonly #options: GroupCommitOptions
  #queue: Waiting[] = []
  #running: Promise<void> | undefined
  #failure: SessionMeshError | undefined

  constructor(options: GroupCommitOptions) {
    this.#options = options
  }

  /** Resolves once the change, and all before it, are on disk. */
  commit(change: Change): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ change, resolve, reject })
      this.#running ??= this.#run()
    })
  }

  /** Nothing is written any more, for good. Returns the error that everything rejects with from now on. */
  fail(cause: unknown): SessionMeshError {
    return (this.#failure ??= this.#options.toError(cause))
  }

  get failure(): SessionMeshError | undefined {
    return this.#failure
  }

  /** Resolves when the queue is empty. */
  async idle(): Promise<void> {
    await this.#running
  }

  async #run(): Promise<void> {
    // Changes made in one go are synced together.
    await Promise.resolve()
    while (this.#queue.length > 0) await this.#commitGroup()
    // In the same step as the loop's last look: what comes from now on starts a new run.
    this.#running = undefined
  }

  async #commitGroup(): Promise<void> {
    let taken = 0
    try {
      this.#assertSound()
      const batch = new Batch()
      // While a change reads, the queue may grow: those that come then are taken too.
      for (const { change } of this.#queue) {
        taken++
        const reading = change(batch)
        if (reading !== undefined) await reading
        if (batch.full) break
      }
      this.#assertSound()
      if (batch.operations.length > 0) await this.#options.write(batch.operations)
      for (const { resolve } of this.#queue.splice(0, taken)) resolve()
    } catch (cause) {
      // Those behind it too: nothing can become durable after what has failed.
      const failure = this.fail(cause)
      for (const { reject } of this.#queue.splice(0)) reject(failure)
    }
  }

  #assertSound(): void {
    if (this.#failure !== undefined) throw this.#failure
  }
}
