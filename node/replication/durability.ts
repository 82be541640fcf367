// Write concerns: how many disks a write waits for, and what it returns when fewer can be had.
// The rule (DESIGN.md guarantee 1): never wait for more disks than there are live peers; say so in the receipt.
import { ReplicationTimeoutError, SessionMeshError } from '../../crdt/errors.ts'
import type { Durability, Receipt, WriteOptions } from '../api.ts'
import type { Cancel, Clock } from '../ports/clock.ts'
import type { AckLedger } from './acked.ts'

/** One or more updates of one session on their way to disks. */
export interface Write {
  readonly session: string
  readonly shard: number
  /** Seq of the frame that carries it; undefined until the outbox has taken it up. */
  sequence: number | undefined
  onOwnDisk: boolean
}

interface Waiter {
  readonly write: Write
  readonly durability: Durability
  settle(error?: unknown): void
}

export interface ResolvedWriteOptions {
  readonly durability: Durability
  readonly strict: boolean
  readonly timeoutMs: number
}

/** @throws INVALID_ARGUMENT naming the option */
export function resolveWriteOptions(
  options: WriteOptions,
  defaults: { readonly durability: Durability; readonly writeTimeoutMs: number },
): ResolvedWriteOptions {
  const durability = options.durability ?? defaults.durability
  const named = durability === 'memory' || durability === 'local' || durability === 'quorum' || durability === 'all'
  if (!named && !(Number.isInteger(durability) && durability >= 0)) {
    throw new SessionMeshError(
      'INVALID_ARGUMENT',
      `durability ${JSON.stringify(durability)}: expected 'memory', 'local', 'quorum', 'all' or a whole number of copies`,
    )
  }
  const timeoutMs = options.timeoutMs ?? defaults.writeTimeoutMs
  if (!(timeoutMs >= 0)) throw new SessionMeshError('INVALID_ARGUMENT', `timeoutMs ${timeoutMs}: expected 0 or more`)
  return { durability, strict: options.strict ?? false, timeoutMs }
}

export class DurabilityWaiters {
  readonly #waiters = new Map<number, Set<Waiter>>()
  readonly #ledger: AckLedger
  readonly #clock: Clock
  readonly #self: () => string

  constructor(ledger: AckLedger, clock: Clock, self: () => string) {
    this.#ledger = ledger
    this.#clock = clock
    this.#self = self
  }

  get size(): number {
    let size = 0
    for (const waiters of this.#waiters.values()) size += waiters.size
    return size
  }

  /**
   * Resolves when the write has its copies, or fewer if there are fewer live peers or time is up.
   * @throws ReplicationTimeoutError if `strict` and fewer; STORE_FAILED if this peer's own disk refused it
   */
  wait(write: Write, onDisk: Promise<void>, options: ResolvedWriteOptions): Promise<Receipt> {
    return new Promise((resolve, reject) => {
      let cancel: Cancel = () => {}
      const waiter: Waiter = {
        write,
        durability: options.durability,
        settle: (error) => {
          if (!this.#remove(waiter)) return
          cancel()
          const outcome = error ?? this.#outcome(write, options)
          if (outcome instanceof Error) reject(outcome)
          else resolve(outcome as Receipt)
        },
      }
      this.#add(waiter)
      cancel = this.#clock.setTimer(options.timeoutMs, () => waiter.settle())
      onDisk.then(
        () => {
          write.onOwnDisk = true
          this.#check(waiter)
        },
        (error: unknown) => waiter.settle(error),
      )
      this.#check(waiter)
    })
  }

  /** Looks again at the writes of a shard, or of all: an acknowledgement came, or a replica went. */
  recheck(shard?: number): void {
    const groups = shard === undefined ? [...this.#waiters.values()] : [this.#waiters.get(shard) ?? []]
    for (const waiters of groups) for (const waiter of waiters) this.#check(waiter)
  }

  #check(waiter: Waiter): void {
    const copies = this.#copies(waiter.write)
    const possible = Math.min(this.#wanted(waiter.durability), this.#replicaCount())
    if (waiter.durability !== 'memory' && !waiter.write.onOwnDisk) return
    if (copies.length >= possible) waiter.settle()
  }

  #outcome(write: Write, options: ResolvedWriteOptions): Receipt | ReplicationTimeoutError {
    const peers = this.#copies(write)
    const wanted = this.#wanted(options.durability)
    const degraded = peers.length < wanted
    if (degraded && options.strict) {
      const message = `${write.session}: ${peers.length} of ${wanted} copies on disk; the change stays and goes on spreading`
      return new ReplicationTimeoutError(message, peers.length)
    }
    return { session: write.session, copies: peers.length, degraded, peers }
  }

  #copies(write: Write): string[] {
    const holders = write.sequence === undefined ? [] : this.#ledger.holders(write.shard, write.sequence)
    return write.onOwnDisk ? [this.#self(), ...holders] : holders
  }

  /** Copies asked for. `quorum` and `all` are of the live replicas; see docs/GUARANTEES.md. */
  #wanted(durability: Durability): number {
    if (durability === 'memory') return 0
    if (durability === 'local') return 1
    if (durability === 'all') return this.#replicaCount()
    if (durability === 'quorum') return Math.floor(this.#replicaCount() / 2) + 1
    return durability
  }

  #replicaCount(): number {
    return this.#ledger.replicas().length + 1
  }

  #add(waiter: Waiter): void {
    const waiters = this.#waiters.get(waiter.write.shard) ?? new Set()
    this.#waiters.set(waiter.write.shard, waiters)
    waiters.add(waiter)
  }

  #remove(waiter: Waiter): boolean {
    return this.#waiters.get(waiter.write.shard)?.delete(waiter) ?? false
  }
}
