// Write concerns: how many disks a write waits for, and what it returns when fewer can be had.
// The rule (DESIGN.md guarantee 1): never wait for more disks than there are live replicas; say so in the receipt.
import { ReplicationTimeoutError, SessionMeshError } from '../../crdt/errors.ts'
import type { Durability, Receipt, WriteOptions } from '../api.ts'
import type { PeerId } from '../../transport/port.ts'
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

/** The live peers that should keep a shard, as placement says now. */
export interface ShardReplicas {
  readonly self: boolean
  readonly others: readonly PeerId[]
}

/** Disks that hold a write, and how far that is from what was asked. */
interface Standing {
  readonly copies: readonly string[]
  /** Of the disks asked for, those that hold it … */
  readonly held: number
  /** … those that could … */
  readonly possible: number
  /** … and all. */
  readonly wanted: number
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

export interface DurabilityOptions {
  readonly ledger: AckLedger
  readonly clock: Clock
  readonly self: () => string
  readonly replicasOf: (shard: number) => ShardReplicas
}

export class DurabilityWaiters {
  readonly #waiters = new Map<number, Set<Waiter>>()
  readonly #options: DurabilityOptions

  constructor(options: DurabilityOptions) {
    this.#options = options
  }

  get size(): number {
    let size = 0
    for (const waiters of this.#waiters.values()) size += waiters.size
    return size
  }

  /**
   * Resolves when the write has its copies, or fewer if there are fewer live replicas or time is up.
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
      cancel = this.#options.clock.setTimer(options.timeoutMs, () => waiter.settle())
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
    if (waiter.durability !== 'memory' && !waiter.write.onOwnDisk) return
    const { held, possible } = this.#standing(waiter.write, waiter.durability)
    if (held >= possible) waiter.settle()
  }

  #outcome(write: Write, options: ResolvedWriteOptions): Receipt | ReplicationTimeoutError {
    const { copies, held, wanted } = this.#standing(write, options.durability)
    const degraded = held < wanted
    if (degraded && options.strict) {
      const message = `${write.session}: ${held} of ${wanted} copies on disk; the change stays and goes on spreading`
      return new ReplicationTimeoutError(message, copies.length)
    }
    return { session: write.session, copies: copies.length, degraded, peers: copies }
  }

  /** A number counts any disk; `quorum` and `all` are of the live replicas; see docs/GUARANTEES.md. */
  #standing({ shard, sequence, onOwnDisk }: Write, durability: Durability): Standing {
    const { ledger, self, replicasOf } = this.#options
    const holders = sequence === undefined ? [] : ledger.holders(shard, sequence)
    const copies = onOwnDisk ? [self(), ...holders] : holders
    const replicas = replicasOf(shard)
    if (durability !== 'quorum' && durability !== 'all') {
      const wanted = durability === 'memory' ? 0 : durability === 'local' ? 1 : durability
      return { copies, held: copies.length, possible: Math.min(wanted, replicas.others.length + 1), wanted }
    }
    const total = replicas.others.length + (replicas.self ? 1 : 0)
    const wanted = durability === 'all' ? total : Math.floor(total / 2) + 1
    const held = replicas.others.filter((peer) => holders.includes(peer)).length
    return { copies, held: held + (replicas.self && onOwnDisk ? 1 : 0), possible: Math.min(wanted, total), wanted }
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
