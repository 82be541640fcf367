// Write concerns: how many disks a write waits for, and what it returns when fewer can be had.
// The rule (DESIGN.md guarantee 1): never wait for more disks than there are live replicas; say so in the receipt.
import { ReplicationTimeoutError, SessionMeshError } from '../../crdt/errors.ts'
import type { Durability, Receipt, WriteOptions } from '../api.ts'
import type { PeerId } from '../../transport/port.ts'
import type { Clock } from '../ports/clock.ts'
import { Deadlines } from '../util/deadlines.ts'
import type { AckLedger } from './acked.ts'

/** One or more updates of one session on their way to disks. */
export interface Write {
  readonly session: string
  readonly shard: number
  /** Resolves when it is on this peer's disk; one promise for many writes. */
  readonly onDisk: Promise<void>
  /** Seq of the frame that carries it; undefined until the outbox has taken it up. */
  sequence: number | undefined
  onOwnDisk: boolean
}

/** Of a receipt, what the disks say. */
export type Copies = Omit<Receipt, 'token'>

interface Waiter {
  readonly write: Write
  readonly options: ResolvedWriteOptions
  /** Monotonic ms. */
  readonly deadline: number
  readonly resolve: (copies: Copies) => void
  readonly reject: (error: unknown) => void
}

/** Writes that come onto this peer's disk together. */
interface Batch {
  readonly onDisk: Promise<void>
  readonly waiters: Waiter[]
}

/** The live peers that should keep a shard, as placement says now. */
export interface ShardReplicas {
  readonly self: boolean
  readonly others: readonly PeerId[]
}

/** How far a write is from what was asked. */
interface Standing {
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

/**
 * A write costs little here however many wait: those of one journal batch share a promise, an acknowledgement looks at
 * the frames that it is about, and one timer serves all deadlines.
 */
export class DurabilityWaiters {
  readonly #waiters = new Map<number, Set<Waiter>>()
  readonly #options: DurabilityOptions
  readonly #deadlines: Deadlines
  #batch: Batch | undefined

  constructor(options: DurabilityOptions) {
    this.#options = options
    this.#deadlines = new Deadlines(options.clock, (now) => this.#expire(now))
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
  wait(write: Write, options: ResolvedWriteOptions): Promise<Copies> {
    return new Promise((resolve, reject) => {
      const deadline = this.#options.clock.monotonic() + options.timeoutMs
      const waiter: Waiter = { write, options, deadline, resolve, reject }
      this.#add(waiter)
      if (!write.onOwnDisk) this.#whenOnDisk(waiter)
      this.#check(waiter)
    })
  }

  /** The shard's frames up to and with `sequence` have another copy. */
  acknowledged(shard: number, sequence: number): void {
    for (const waiter of this.#waiters.get(shard) ?? []) {
      if (waiter.write.sequence !== undefined && waiter.write.sequence <= sequence) this.#check(waiter)
    }
  }

  /** Looks again at every write: a replica came or went, or more was acknowledged than frames tell. */
  recheck(): void {
    for (const waiters of this.#waiters.values()) for (const waiter of waiters) this.#check(waiter)
  }

  #whenOnDisk(waiter: Waiter): void {
    const { onDisk } = waiter.write
    if (this.#batch?.onDisk === onDisk) {
      this.#batch.waiters.push(waiter)
      return
    }
    const waiters = [waiter]
    const batch = { onDisk, waiters }
    this.#batch = batch
    onDisk.then(
      () => {
        // Closed: who comes later with the same promise must not wait for a call that has been.
        if (this.#batch === batch) this.#batch = undefined
        for (const each of waiters) {
          each.write.onOwnDisk = true
          this.#check(each)
        }
      },
      (error: unknown) => {
        if (this.#batch === batch) this.#batch = undefined
        for (const each of waiters) if (this.#remove(each)) each.reject(error)
      },
    )
  }

  #expire(now: number): void {
    for (const waiters of this.#waiters.values()) {
      for (const waiter of waiters) {
        if (waiter.deadline <= now) this.#settle(waiter, this.#standing(waiter))
        else this.#deadlines.add(waiter.deadline)
      }
    }
  }

  #check(waiter: Waiter): void {
    if (waiter.options.durability !== 'memory' && !waiter.write.onOwnDisk) return
    const standing = this.#standing(waiter)
    if (standing.held >= standing.possible) this.#settle(waiter, standing)
  }

  #settle(waiter: Waiter, { held, wanted }: Standing): void {
    if (!this.#remove(waiter)) return
    const { write, options, resolve, reject } = waiter
    const degraded = held < wanted
    const holders = this.#options.replicasOf(write.shard).others.filter((peer) => this.#holds(peer, write))
    const peers = write.onOwnDisk ? [this.#options.self(), ...holders] : holders
    if (degraded && options.strict) {
      const message = `${write.session}: ${held} of ${wanted} copies on disk; the change stays and goes on spreading`
      reject(new ReplicationTimeoutError(message, peers.length))
    } else resolve({ session: write.session, copies: peers.length, degraded, peers })
  }

  /** A number counts any disk; `quorum` and `all` are of the live replicas; see docs/GUARANTEES.md. */
  #standing({ write, options }: Waiter): Standing {
    const { durability } = options
    const replicas = this.#options.replicasOf(write.shard)
    // Others than these may hold it too, but are about to let it go.
    let holders = 0
    for (const peer of replicas.others) if (this.#holds(peer, write)) holders++
    if (durability !== 'quorum' && durability !== 'all') {
      const wanted = durability === 'memory' ? 0 : durability === 'local' ? 1 : durability
      const held = holders + (write.onOwnDisk ? 1 : 0)
      return { held, possible: Math.min(wanted, replicas.others.length + 1), wanted }
    }
    const total = replicas.others.length + (replicas.self ? 1 : 0)
    const wanted = durability === 'all' ? total : Math.floor(total / 2) + 1
    const held = holders + (replicas.self && write.onOwnDisk ? 1 : 0)
    return { held, possible: Math.min(wanted, total), wanted }
  }

  #holds(peer: PeerId, { shard, sequence }: Write): boolean {
    return sequence !== undefined && this.#options.ledger.hasAcknowledged(peer, shard, sequence)
  }

  #add(waiter: Waiter): void {
    const waiters = this.#waiters.get(waiter.write.shard) ?? new Set()
    this.#waiters.set(waiter.write.shard, waiters)
    waiters.add(waiter)
    this.#deadlines.add(waiter.deadline)
  }

  #remove(waiter: Waiter): boolean {
    const waiters = this.#waiters.get(waiter.write.shard)
    if (waiters?.delete(waiter) !== true) return false
    if (waiters.size === 0) this.#waiters.delete(waiter.write.shard)
    if (this.#waiters.size === 0) this.#deadlines.clear()
    return true
  }
}
