// The network that in-memory transports share: who is started, which pairs are cut, what is dropped on the way.
//
// Every delivery goes through one `defer`, so nothing arrives within the call that sent it and everything arrives in
// the order in which it was sent. Started transports are connected to all others unless their pair is cut, as in a
// libp2p mesh. Gossip passes on through subscribers (as gossipsub's does), hence it goes round a cut link when a third
// subscriber sees both ends.

import type { PeerId, Transport, Unsubscribe } from '../port.ts'
import { MemoryTransport } from './transport.ts'

/** One thing on its way; `drop` predicates judge it. */
export type Parcel =
  | {
      readonly kind: 'gossip'
      readonly from: PeerId
      readonly to: PeerId
      readonly topic: string
      readonly bytes: Uint8Array
    }
  | {
      readonly kind: 'request' | 'response'
      readonly from: PeerId
      readonly to: PeerId
      readonly protocol: string
      readonly bytes: Uint8Array
    }

/** What the network needs of a Clock. */
export interface MemoryTimers {
  setTimer(delayMs: number, callback: () => void): () => void
}

export interface MemoryNetworkOptions {
  /** Runs `fn` later, in the order of the calls. @default queueMicrotask */
  readonly defer?: (fn: () => void) => void
  /**
   * Timers for request timeouts. Without them a request that was lost fails with REQUEST_TIMEOUT at once, and one whose
   * handler never answers never settles.
   */
  readonly timers?: MemoryTimers
}

export interface MemoryNetwork {
  /** The transport of the peer `id`; a new one if the last was stopped. */
  transport(id: string): Transport
  /** Closes the link between two peers until healed: both see `peer:down`. */
  cut(a: string, b: string): void
  /** Opens the link again; with no arguments, all links. */
  heal(a?: string, b?: string): void
  /** Loses everything that `predicate` says yes to, until the returned function is called. */
  drop(predicate: (parcel: Parcel) => boolean): Unsubscribe
}

/** What a transport may ask of its network. */
export class Switchboard {
  readonly timers: MemoryTimers | undefined
  readonly #defer: (fn: () => void) => void
  readonly #running = new Map<PeerId, MemoryTransport>()
  readonly #cuts = new Set<string>()
  readonly #drops = new Set<(parcel: Parcel) => boolean>()

  constructor(options: MemoryNetworkOptions) {
    this.timers = options.timers
    this.#defer = options.defer ?? queueMicrotask
  }

  join(transport: MemoryTransport): void {
    this.#running.set(transport.self, transport)
    this.#meetAll()
  }

  leave(transport: MemoryTransport): void {
    if (this.#running.get(transport.self) !== transport) return
    this.#running.delete(transport.self)
    for (const other of this.#running.values()) this.#part(other, transport)
  }

  setCut(a: string, b: string, isCut: boolean): void {
    if (isCut) this.#cuts.add(pairKey(a, b))
    else this.#cuts.delete(pairKey(a, b))
    const left = this.#running.get(a as PeerId)
    const right = this.#running.get(b as PeerId)
    if (left === undefined || right === undefined || left === right) return
    if (isCut) this.#part(left, right)
    else this.#meet(left, right)
  }

  healAll(): void {
    this.#cuts.clear()
    this.#meetAll()
  }

  addDrop(predicate: (parcel: Parcel) => boolean): Unsubscribe {
    this.#drops.add(predicate)
    return () => this.#drops.delete(predicate)
  }

  /** The running transport of `peer`, if `from` has a link to it. */
  linked(from: MemoryTransport, peer: PeerId): MemoryTransport | undefined {
    const other = this.#running.get(peer)
    if (other === undefined || other === from || this.#cuts.has(pairKey(from.self, peer))) return undefined
    return other
  }

  neighbours(of: MemoryTransport): MemoryTransport[] {
    return [...this.#running.keys()].flatMap((peer) => this.linked(of, peer) ?? [])
  }

  /** Delivers later unless a drop predicate says no; whether it was sent on. */
  send(parcel: Parcel, deliver: () => void): boolean {
    for (const drop of this.#drops) if (drop(parcel)) return false
    this.#defer(deliver)
    return true
  }

  later(fn: () => void): void {
    this.#defer(fn)
  }

  #meetAll(): void {
    const all = [...this.#running.values()]
    for (const [index, left] of all.entries()) for (const right of all.slice(index + 1)) this.#meet(left, right)
  }

  #meet(left: MemoryTransport, right: MemoryTransport): void {
    if (this.#cuts.has(pairKey(left.self, right.self)) || left.connected.has(right.self)) return
    left.connected.add(right.self)
    right.connected.add(left.self)
    this.#defer(() => left.met(right))
    this.#defer(() => right.met(left))
  }

  #part(left: MemoryTransport, right: MemoryTransport): void {
    if (!left.connected.delete(right.self)) return
    right.connected.delete(left.self)
    this.#defer(() => left.parted(right.self))
    this.#defer(() => right.parted(left.self))
  }
}

function pairKey(a: string, b: string): string {
  return a < b ? `${a}|${b}` : `${b}|${a}`
}

export function createMemoryNetwork(options: MemoryNetworkOptions = {}): MemoryNetwork {
  const switchboard = new Switchboard(options)
  const transports = new Map<string, MemoryTransport>()
  return {
    transport(id) {
      const known = transports.get(id)
      if (known !== undefined && !known.stopped) return known
      const transport = new MemoryTransport(id as PeerId, switchboard)
      transports.set(id, transport)
      return transport
    },
    cut: (a, b) => switchboard.setCut(a, b, true),
    heal(a, b) {
      if (a === undefined || b === undefined) switchboard.healAll()
      else switchboard.setCut(a, b, false)
    },
    drop: (predicate) => switchboard.addDrop(predicate),
  }
}
