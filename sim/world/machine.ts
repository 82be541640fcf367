// One machine of the fleet: a disk and clocks that last, and at most one process, which runs the real peer.
import { resolveConfig, type PeerOptions } from '../../node/config.ts'
import { MeshPeer } from '../../node/peer.ts'
import type { SnapshotTarget } from '../../node/ports/snapshot-target.ts'
import type { Transport } from '../../transport/port.ts'
import { ClockDrift } from './clock-drift.ts'
import type { Dice } from './dice.ts'
import { SimDisk, type DiskEvents, type DiskSpeed } from './disk.ts'
import type { Loop, Micros } from './loop.ts'
import type { Endpoint, Network } from './network.ts'
import { SimProcess } from './process.ts'
import type { Tier } from './tier.ts'
import type { Trace } from './trace.ts'
import type { Traffic } from './traffic.ts'

export interface MachineOptions {
  readonly name: string
  readonly tier: Tier
  readonly loop: Loop
  readonly trace: Trace
  readonly traffic: Traffic
  readonly network: Network
  readonly dice: Dice
  readonly diskSpeed: DiskSpeed
  readonly diskEvents: DiskEvents
  /** Where its peers keep their snapshots. */
  readonly snapshots: SnapshotTarget
  readonly gossipsChanges: boolean
  /** Machines that it knows from its configuration. */
  readonly bootstrap: readonly string[]
  readonly peerOptions: PeerOptions
  /** Something that must not happen in a peer did: an error it reported, or one that nobody caught. */
  readonly onError: (machine: string, error: unknown) => void
}

export class Machine {
  readonly name: string
  disk: SimDisk
  /** Disks of first processes that run on beside a second: what only they hold goes with them. */
  readonly hiddenDisks = new Set<SimDisk>()
  readonly drift: ClockDrift
  /** Processes started here so far. */
  incarnation = 0
  readonly #options: MachineOptions
  #process: SimProcess | undefined
  #endpoint: Endpoint | undefined
  #peer: MeshPeer | undefined
  /** Peer id of the process that runs here, or ran last … */
  lastPeerId = ''
  /** … and all that ever did: a new disk makes a new one. */
  readonly peerIds = new Set<string>()
  #isReady = false
  #isStopping = false
  #slowness: Micros = 0
  /** Whether two processes have run under its key at once: which disk an acknowledgement meant can't be told then. */
  wasSplit = false

  constructor(options: MachineOptions) {
    this.#options = options
    this.name = options.name
    this.drift = new ClockDrift(options.loop)
    this.disk = new SimDisk(options.diskSpeed, options.dice.fork('disk'), options.diskEvents)
  }

  /** The peer, once it has started and while its process lives; a frozen one does not answer. */
  get peer(): MeshPeer | undefined {
    return this.#isReady && this.#process?.isAlive === true ? this.#peer : undefined
  }

  get isRunning(): boolean {
    return this.#process?.isAlive === true
  }

  get isFrozen(): boolean {
    return this.#process?.isFrozen === true
  }

  /** Whose process it is now, for telling incarnations apart. */
  get process(): SimProcess | undefined {
    return this.#process
  }

  /** Starts a process on whatever the disk holds. Does nothing if one runs; one that is still stopping is killed. */
  start(): void {
    if (this.#isStopping) this.crash()
    if (this.isRunning) return
    const { tier, loop, trace, dice, snapshots, peerOptions, onError } = this.#options
    this.incarnation++
    this.#isReady = false
    const process = new SimProcess(loop, this.drift, {
      inside: tier.inside,
      onThrow: (error) => {
        onError(this.name, error)
        this.crash()
      },
    })
    process.setSlowness(this.#slowness)
    this.#process = process
    const chance = dice.fork(`process/${this.incarnation}`)
    const config = resolveConfig({ name: this.name, http: false, ...peerOptions })
    const peer = new MeshPeer(config, {
      clock: process.clock,
      random: chance,
      store: this.disk.store(process),
      snapshotTarget: snapshots,
      transport: (seed) => this.#attach(seed, process, chance.fork('transport')),
      log: (level, message, fields) => {
        trace.add(loop.now, this.name, 'log', level, message)
        if (level === 'error') onError(this.name, fields !== undefined && 'error' in fields ? fields.error : message)
      },
    })
    this.#peer = peer
    peer.on('member', (member) => trace.add(loop.now, this.name, 'member', member.name, member.status))
    peer.on('expired', ({ session }) => trace.add(loop.now, this.name, 'expired', session))
    peer.on('setAside', ({ sessions }) => {
      for (const session of sessions) trace.add(loop.now, this.name, 'aside', session)
    })
    peer.on('handover', ({ kind, state, done }) => trace.add(loop.now, this.name, 'handover', kind, state, done))
    peer.on('failover', ({ sessions }) => trace.add(loop.now, this.name, 'home', '', 'took over', sessions))
    trace.add(loop.now, this.name, 'start', '', '', this.incarnation)
    const started = process.inside(() => peer.start())
    started.then(
      () => {
        // Not if it has become the twin of another meanwhile.
        if (this.#process === process) this.#isReady = true
      },
      (error: unknown) => {
        // A disk that can't be read at the start ends the process, as it would end a daemon.
        trace.add(loop.now, this.name, 'log', 'error', 'could not start')
        if (!isStoreFailure(error)) onError(this.name, error)
        this.crash()
      },
    )
  }

  /** SIGKILL, or the power: what was not synced may be gone. */
  crash(): void {
    const process = this.#process
    if (process?.isAlive !== true) return
    this.#isStopping = false
    process.kill()
    this.disk.crash()
    this.#options.trace.add(this.#options.loop.now, this.name, 'crash')
    if (this.#endpoint === undefined) return
    this.#options.network.detach(this.#endpoint)
    this.#options.network.died(this.#endpoint)
    this.#endpoint = undefined
  }

  /** A new disk: whoever ran here is nobody any more, and what it promised is void. */
  wipe(): void {
    this.disk.wipe()
    this.lastPeerId = ''
  }

  /** SIGTERM: the peer leaves in order, then its process ends. */
  stop(): void {
    const [process, peer] = [this.#process, this.peer]
    if (process === undefined || peer === undefined) return this.crash()
    this.#isStopping = true
    this.#options.trace.add(this.#options.loop.now, this.name, 'stop')
    const stopped = process.inside(() => peer.stop())
    void stopped.finally(() => {
      if (this.#process === process) this.crash()
    })
  }

  /**
   * Starts a second process on a copy of the disk, as who restores an image of a machine that still runs. The first goes
   * on, out of sight, until the function that is returned is called.
   */
  split(): () => void {
    const [process, endpoint, disk] = [this.#process, this.#endpoint, this.disk]
    if (process?.isAlive !== true || endpoint === undefined) return () => {}
    this.wasSplit = true
    this.hiddenDisks.add(disk)
    this.disk = disk.copy(this.#options.dice.fork(`disk/${this.incarnation}`))
    this.#process = undefined
    this.#endpoint = undefined
    this.start()
    return () => {
      this.#options.trace.add(this.#options.loop.now, this.name, 'crash', 'twin')
      process.kill()
      this.hiddenDisks.delete(disk)
      disk.wipe()
      this.#options.network.detach(endpoint)
      this.#options.network.died(endpoint)
    }
  }

  /** Whether an earlier process of its name runs on beside it. */
  get hasTwin(): boolean {
    return this.hiddenDisks.size > 0
  }

  freeze(): void {
    if (!this.isRunning || this.isFrozen) return
    this.#options.trace.add(this.#options.loop.now, this.name, 'freeze')
    this.#process?.freeze()
    if (this.#endpoint !== undefined) this.#options.network.frozen(this.#endpoint)
  }

  thaw(): void {
    if (!this.isFrozen) return
    this.#options.trace.add(this.#options.loop.now, this.name, 'thaw')
    this.#process?.thaw()
  }

  get slowness(): Micros {
    return this.#slowness
  }

  /** Everything in its processes happens so much later, from now on. */
  slowDown(slowness: Micros): void {
    this.#slowness = slowness
    this.#process?.setSlowness(slowness)
  }

  async #attach(seed: Uint8Array, process: SimProcess, dice: Dice): Promise<Transport> {
    const { tier, name, network, trace, traffic, bootstrap, gossipsChanges } = this.#options
    const wiring = { machine: name, process, network, trace, traffic, dice, bootstrap, gossipsChanges }
    const { transport, endpoint } = await tier.attach(seed, wiring)
    this.lastPeerId = transport.self
    this.peerIds.add(transport.self)
    this.#endpoint = endpoint
    return transport
  }
}

function isStoreFailure(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'STORE_FAILED'
}
