// How the mesh behaves as it grows: the real peers in the simulated world, a calm network, cheap sessions. One
// measurement is one world: everyone joins, the mesh idles, one peer dies, the mesh is split, written to, and healed.
import { Shadows } from '../checkers/shadows.ts'
import { modelTier } from '../run/model-tier.ts'
import { MS, SECOND, type Micros } from '../world/loop.ts'
import { World, type MachineSpec } from '../world/world.ts'

export interface ScaleOptions {
  readonly peers: number
  readonly seed: string
  readonly heartbeatIntervalMs: number
  readonly suspicionTimeoutMs: number
  readonly shardCount: number
  readonly sessions: number
}

export interface ScaleResult {
  readonly peers: number
  readonly heartbeatIntervalMs: number
  /** From the start of all peers until each sees all, ms. */
  readonly joinedMs: number
  /** Messages and bytes of an idle mesh that reach each peer in a second. */
  readonly messagesPerSecond: number
  readonly bytesPerSecond: number
  /** Peers called dead while nothing was wrong: observer by observer. */
  readonly falseDeaths: number
  /** After a crash until the first, and the last, of the others calls the peer dead, ms. */
  readonly detectedFirstMs: number | null
  readonly detectedLastMs: number | null
  /** After the heal of a split into halves until all disks are equal, ms; null if not within the time given. */
  readonly convergedMs: number | null
  /** What comparing and repairing took until then, all peers together. */
  readonly repairBytes: number
}

const REPLICATION_FACTOR = 3
const IDLE: Micros = 5 * SECOND
/** A split lasts until both sides have given up their connections across it; then they are written to, and go on a while. */
const SPLIT_BEFORE: Micros = 12 * SECOND
const SPLIT_AFTER: Micros = 3 * SECOND
const STEP: Micros = 100 * MS
/** How long is waited for anything. */
const PATIENCE: Micros = 60 * SECOND
const NETWORK = { latencyMin: 5 * MS, latencyMean: 5 * MS, lossPerMillion: 0, duplicatePerMillion: 0, bytesPerMs: 0 }
const DISK = { syncMean: MS, readMean: 500 }

/** Must be called from a macrotask; blocks until it is done. */
export function measureScale(options: ScaleOptions): ScaleResult {
  return modelTier.around(() => new Measurement(options).result())
}

class Measurement {
  readonly #options: ScaleOptions
  readonly #world: World
  readonly #shadows: Shadows
  readonly #names: readonly string[]
  /** Deaths that were called: who, by whom, when. */
  readonly #deaths: { readonly of: string; readonly at: Micros }[] = []

  constructor(options: ScaleOptions) {
    const { peers, seed, heartbeatIntervalMs, suspicionTimeoutMs, shardCount } = options
    this.#options = options
    this.#names = Array.from({ length: peers }, (_, index) => `p${index}`)
    const peer = { shardCount, heartbeatIntervalMs, suspicionTimeoutMs, replicationFactor: REPLICATION_FACTOR }
    const machines = this.#names.map((name): MachineSpec => ({ name }))
    const shared = { seed, machines, peer, network: NETWORK, disk: DISK, tier: modelTier }
    this.#world = new World({ ...shared, keepTrace: false, keepTraffic: 'totals' })
    this.#shadows = new Shadows(this.#world)
    this.#world.trace.onEvent(({ at, kind, subject, detail }) => {
      if (kind === 'member' && detail === 'dead') this.#deaths.push({ of: subject, at })
    })
  }

  result(): ScaleResult {
    const { peers, heartbeatIntervalMs } = this.#options
    for (const machine of this.#world.machines.values()) machine.start()
    const joined = this.#until(() => this.#seesAll(this.#names))
    const load = this.#idle()
    const falseDeaths = this.#deaths.length
    const detection = this.#crash()
    const repair = this.#split()
    return { peers, heartbeatIntervalMs, joinedMs: (joined ?? NaN) / MS, ...load, falseDeaths, ...detection, ...repair }
  }

  #idle() {
    const before = this.#count()
    this.#run(IDLE)
    const after = this.#count()
    const share = this.#names.length * (IDLE / SECOND)
    return {
      messagesPerSecond: (after.messages - before.messages) / share,
      bytesPerSecond: (after.bytes - before.bytes) / share,
    }
  }

  /** The last peer dies; the others notice, and it comes back. */
  #crash() {
    const victim = this.#names.at(-1) ?? ''
    const others = this.#names.slice(0, -1)
    const begun = this.#world.now
    const known = this.#deaths.length
    this.#world.machine(victim).crash()
    const calls = () => this.#deaths.slice(known).filter(({ of }) => of === victim)
    this.#until(() => calls().length >= others.length)
    const times = calls().map(({ at }) => (at - begun) / MS)
    this.#world.machine(victim).start()
    this.#until(() => this.#seesAll(this.#names))
    const isWhole = times.length >= others.length
    return { detectedFirstMs: times[0] ?? null, detectedLastMs: isWhole ? Math.max(...times) : null }
  }

  /** Sessions that all know are written to on both sides of a split into halves, which then heals. */
  #split() {
    const half = Math.ceil(this.#names.length / 2)
    const sides = [this.#names.slice(0, half), this.#names.slice(half)] as const
    const sessions = Array.from({ length: this.#options.sessions }, (_, index) => `s${index}`)
    for (const [index, session] of sessions.entries()) this.#write(sides[0], index, session)
    this.#until(() => this.#isEqual(sessions))
    this.#cut(sides, true)
    this.#run(SPLIT_BEFORE)
    for (const side of sides) for (const [index, session] of sessions.entries()) this.#write(side, index, session)
    this.#run(SPLIT_AFTER)
    this.#cut(sides, false)
    const before = this.#count()
    const converged = this.#until(() => this.#isEqual(sessions))
    const repairBytes = this.#count().repairBytes - before.repairBytes
    return { convergedMs: converged === undefined ? null : converged / MS, repairBytes }
  }

  #write(side: readonly string[], index: number, session: string): void {
    const name = side[index % side.length] ?? ''
    const opened = this.#world.machine(name).peer?.sessions.openOrCreate(session)
    void opened?.then(
      (open) => open.set(name, index, { durability: 'local' }),
      () => {}, // not to be had on this side: the other has written it
    )
  }

  #cut(sides: readonly [readonly string[], readonly string[]], isCut: boolean): void {
    const { network } = this.#world
    for (const one of sides[0]) {
      for (const other of sides[1]) {
        for (const [from, to] of [
          [one, other],
          [other, one],
        ] as const) {
          if (isCut) network.block(from, to)
          else network.unblock(from, to)
        }
      }
    }
  }

  #seesAll(names: readonly string[]): boolean {
    return names.every((name) => {
      const members = this.#world.machine(name).peer?.members() ?? []
      return members.filter(({ status }) => status === 'alive').length === names.length
    })
  }

  /** Whether every session is on as many disks as it should be, and all of those hold the same. */
  #isEqual(sessions: readonly string[]): boolean {
    const copies = Math.min(REPLICATION_FACTOR, this.#names.length)
    return sessions.every((session) => {
      const digests = this.#names.flatMap((name) => this.#shadows.digest(name, session) ?? [])
      return digests.length >= copies && new Set(digests).size === 1
    })
  }

  /** How long it took; undefined if it did not happen. */
  #until(condition: () => boolean): Micros | undefined {
    const begun = this.#world.now
    while (this.#world.now - begun < PATIENCE) {
      this.#run(STEP)
      if (condition()) return this.#world.now - begun
    }
    return undefined
  }

  #run(time: Micros): void {
    this.#world.loop.runUntil(this.#world.now + time)
  }

  #count() {
    return this.#world.traffic.totals()
  }
}
