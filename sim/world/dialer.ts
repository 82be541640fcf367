// Keeps one simulated process connected, with the patience of transport/libp2p/dialer.ts: every machine it was told of
// is dialled until it answers, soon at first, then every second.
import { SessionMeshError } from '../../crdt/errors.ts'
import type { Cancel } from '../../node/ports/clock.ts'
import type { PeerId } from '../../transport/port.ts'
import { MS, SECOND, type Micros } from './loop.ts'
import type { Connection, Endpoint, Network } from './network.ts'
import type { SimProcess } from './process.ts'

const REDIAL_FIRST: Micros = 100 * MS
const REDIAL_MAX: Micros = 1 * SECOND
/** By how much one of two sides waits longer. */
const REDIAL_YIELD: Micros = 150 * MS
/** TCP, pre-shared key, noise and yamux: five ways there and back. */
const HANDSHAKE_WAYS = 10
/** A dial that meets silence is tried again when TCP does, and given up after. */
const SYN_RETRIES: readonly Micros[] = [1 * SECOND, 3 * SECOND]
const DIAL_TIMEOUT: Micros = 5 * SECOND

export interface DialerOptions {
  readonly process: SimProcess
  readonly network: Network
  readonly self: Endpoint
  readonly isConnected: (machine: string) => boolean
  readonly onConnected: (connection: Connection, other: Endpoint) => void
}

interface Target {
  readonly machine: string
  failures: number
  isDialling: boolean
  redial: Cancel | undefined
  /** Requests that wait for the dial under way. */
  waiting: (() => void)[]
}

export class Dialer {
  readonly #options: DialerOptions
  readonly #targets = new Map<string, Target>()
  readonly #machineOf = new Map<PeerId, string>()
  #isStopped = false

  constructor(options: DialerOptions) {
    this.#options = options
  }

  learn(machine: string, peer?: PeerId): void {
    if (machine === this.#options.self.machine) return
    if (peer !== undefined) this.#machineOf.set(peer, machine)
    if (this.#targets.has(machine)) return
    const target = { machine, failures: 0, isDialling: false, redial: undefined, waiting: [] }
    this.#targets.set(machine, target)
    this.#dial(target)
  }

  /** @throws SessionMeshError PEER_UNREACHABLE at once if no address is known; else resolves when the dial is over */
  async reach(peer: PeerId): Promise<void> {
    const target = this.#targets.get(this.#machineOf.get(peer) ?? '')
    if (target === undefined) throw new SessionMeshError('PEER_UNREACHABLE', `no address of ${peer} is known`)
    await new Promise<void>((resolve) => {
      target.waiting.push(resolve)
      this.#dial(target)
    })
  }

  reached(machine: string): void {
    const target = this.#targets.get(machine)
    if (target === undefined) return
    target.failures = 0
    target.redial?.()
    target.redial = undefined
  }

  lost(machine: string): void {
    const target = this.#targets.get(machine)
    if (target !== undefined) this.#redialLater(target)
  }

  stop(): void {
    this.#isStopped = true
    for (const { redial } of this.#targets.values()) redial?.()
  }

  #dial(target: Target): void {
    if (target.isDialling || this.#isStopped) return
    const { network, self, process } = this.#options
    target.isDialling = true
    target.redial?.()
    target.redial = undefined
    const start = network.loop.now
    const attempt = (retries: readonly Micros[]) => {
      const [next, ...rest] = retries
      if (!network.isBlocked(self.machine, target.machine)) return this.#shakeHands(target, start)
      if (next === undefined) process.after(start + DIAL_TIMEOUT - network.loop.now, () => this.#over(target, false))
      else process.after(start + next - network.loop.now, () => attempt(rest))
    }
    attempt(SYN_RETRIES)
  }

  #shakeHands(target: Target, start: Micros): void {
    const { network, self, process } = this.#options
    const isRefused = network.endpoint(target.machine)?.isDown ?? true
    let at = network.loop.now
    for (let way = 0; way < (isRefused ? 2 : HANDSHAKE_WAYS); way++) {
      const [from, to] = way % 2 === 0 ? [self.machine, target.machine] : [target.machine, self.machine]
      at = network.link(from, to).arrival(at, 0)
    }
    if (at > start + DIAL_TIMEOUT) {
      process.after(start + DIAL_TIMEOUT - network.loop.now, () => this.#over(target, false))
      return
    }
    process.after(at - network.loop.now, () => {
      const other = network.endpoint(target.machine)
      if (isRefused || other === undefined || other.isDown) return this.#over(target, false)
      if (other.isFrozen || network.isBlocked(self.machine, target.machine)) {
        const left = Math.max(0, start + DIAL_TIMEOUT - network.loop.now)
        process.after(left, () => this.#over(target, false))
        return
      }
      if (!this.#options.isConnected(target.machine)) {
        this.#options.onConnected(network.connect(self, other), other)
      }
      this.#over(target, true)
    })
  }

  #over(target: Target, isReached: boolean): void {
    target.isDialling = false
    for (const resolve of target.waiting.splice(0)) resolve()
    if (isReached || this.#options.isConnected(target.machine)) return
    target.failures++
    this.#redialLater(target)
  }

  #redialLater(target: Target): void {
    if (target.redial !== undefined || target.isDialling || this.#isStopped) return
    const { process, self } = this.#options
    const base = Math.min(REDIAL_MAX, REDIAL_FIRST * 2 ** Math.min(target.failures, 5))
    // No chance in it, as in the real one: sides that lose each other together dial in step.
    const yielding = self.machine > target.machine ? REDIAL_YIELD : 0
    target.redial = process.after(base + yielding, () => {
      target.redial = undefined
      if (!this.#options.isConnected(target.machine)) this.#dial(target)
    })
  }
}
