// A world of machines that run the real peer code on virtual time, network and disks, all from one seed. It does what
// it is told (faults/ and workload/ tell it); it judges nothing (checkers/ do).
import type { PeerOptions } from '../../node/config.ts'
import type { LogRecord, StoredSession } from '../../node/ports/store.ts'
import { createMemoryTarget } from '../../node/snapshots/memory-target.ts'
import { Dice } from './dice.ts'
import type { DiskSpeed, RewriteCause } from './disk.ts'
import { Loop, type Micros } from './loop.ts'
import { Machine } from './machine.ts'
import { Network, type LinkQuality } from './network.ts'
import type { Tier } from './tier.ts'
import { Trace } from './trace.ts'
import { Traffic, type Keep } from './traffic.ts'

export interface MachineSpec {
  readonly name: string
  readonly zone?: string
  readonly weight?: number
}

export interface WorldOptions {
  readonly tier: Tier
  readonly seed: string
  readonly machines: readonly MachineSpec[]
  readonly network: LinkQuality
  readonly disk: DiskSpeed
  /** Settings of every peer, beside those that follow from its machine. */
  readonly peer: PeerOptions
  /** Whether to keep every event of the trace, not only its hash. */
  readonly keepTrace: boolean
  /** Whether to keep every message that goes between machines, or to count them. @default false */
  readonly keepTraffic?: Keep
  /** Whether changes are gossiped; without it only heartbeats are, and anti-entropy alone must do. @default true */
  readonly gossipsChanges?: boolean
}

export interface WorldListener {
  /** Synced content of a session on a machine's disk has grown by a record … */
  onSynced?(machine: string, session: string, record: LogRecord): void
  /** … or changed otherwise. */
  onRewritten?(machine: string, session: string, cause: RewriteCause, before: StoredSession | undefined): void
  /** A peer has given its disk the order to remove a session. */
  onRemoving?(machine: string, session: string): void
  /** A peer reported an error, or threw one that nobody caught. */
  onError?(machine: string, error: unknown): void
}

export class World {
  readonly loop = new Loop()
  readonly trace: Trace
  readonly traffic: Traffic
  readonly dice: Dice
  readonly network: Network
  readonly machines: ReadonlyMap<string, Machine>
  readonly #listeners: WorldListener[] = []

  constructor(options: WorldOptions) {
    const { tier, seed, machines, network, disk, peer, keepTrace, keepTraffic = false, gossipsChanges = true } = options
    this.dice = new Dice(seed)
    this.trace = new Trace(keepTrace)
    this.traffic = new Traffic(keepTraffic)
    this.network = new Network(this.loop, this.trace, this.dice.fork('net'), network)
    // One place for all, as with a bucket: it outlives their disks.
    const snapshots = createMemoryTarget()
    const names = machines.map(({ name }) => name)
    this.machines = new Map(
      machines.map(({ name, zone = '', weight = 1 }) => {
        const machine = new Machine({
          name,
          tier,
          loop: this.loop,
          trace: this.trace,
          traffic: this.traffic,
          network: this.network,
          dice: this.dice.fork(`machine/${name}`),
          diskSpeed: disk,
          snapshots,
          diskEvents: {
            onSynced: (records) => {
              for (const record of records) {
                this.trace.add(this.loop.now, name, 'synced', record.session)
                for (const listener of this.#listeners) listener.onSynced?.(name, record.session, record)
              }
            },
            onRewritten: (session, cause, before) => {
              for (const listener of this.#listeners) listener.onRewritten?.(name, session, cause, before)
            },
            onRemoving: (session) => {
              for (const listener of this.#listeners) listener.onRemoving?.(name, session)
            },
            onLost: (changes) => this.trace.add(this.loop.now, name, 'disk', '', 'lost', changes),
          },
          gossipsChanges,
          bootstrap: names.filter((other) => other !== name),
          peerOptions: { ...peer, zone, weight },
          onError: (of, error) => {
            for (const listener of this.#listeners) listener.onError?.(of, error)
          },
        })
        return [name, machine]
      }),
    )
  }

  get now(): Micros {
    return this.loop.now
  }

  listen(listener: WorldListener): void {
    this.#listeners.push(listener)
  }

  /** Some peer left a promise rejected that nobody looks at. */
  uncaught(error: unknown): void {
    for (const listener of this.#listeners) listener.onError?.('', error)
  }

  /** @throws Error for a name that no machine has: a mistake of the caller */
  machine(name: string): Machine {
    const machine = this.machines.get(name)
    if (machine === undefined)
      throw new Error(`there is no machine ${name}; there are ${[...this.machines.keys()].join(', ')}`)
    return machine
  }

  /** Machines whose peer is up and not frozen. */
  serving(): Machine[] {
    return [...this.machines.values()].filter((machine) => machine.peer !== undefined && !machine.isFrozen)
  }
}
