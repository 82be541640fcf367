// Keeps this peer connected. Every address it was ever told of is a target; a target whose peer is not connected is
// dialled, soon at first, then a second after each failure, for ever: a peer that was away for a day is back a second after
// it returns. libp2p's own reconnect queue gives up after a few tries and waits for seconds between them.
//
// A bootstrap address need not name a peer. Such a target is dialled by address alone; who answered is remembered, so
// that the address is left alone while that peer is connected and tried again when somebody else may live there.

import { SessionMeshError } from '../../crdt/errors.ts'
import type { PeerId } from '../port.ts'
import { addressOf, parseAddress } from './addresses.ts'
import {
  ADDRESSES_PER_PEER_MAX,
  DIAL_TIMEOUT_MS,
  FRESH_DIALS_MAX,
  FRESH_FAILURES_MAX,
  KNOWN_PEERS_MAX,
  LEARN_YIELD_MS,
  REDIAL_FIRST_MS,
  REDIAL_MAX_MS,
  REDIAL_YIELD_MS,
} from './limits.ts'
import type { Log } from './log.ts'

export interface DialerLinks {
  readonly self: PeerId
  readonly log: Log
  /** Opens a connection (or finds one) and tells who is at its other end. */
  dial(addresses: readonly string[], signal: AbortSignal): Promise<PeerId>
  isConnected(peer: PeerId): boolean
}

interface Target {
  /** Who is, or was last, at these addresses. */
  peer: PeerId | undefined
  addresses: string[]
  /** Whether it is a bootstrap address without a peer id. */
  readonly isBare: boolean
  failures: number
  timer: NodeJS.Timeout | undefined
  dialling: { readonly controller: AbortController; readonly done: Promise<void> } | undefined
}

export class Dialer {
  readonly #links: DialerLinks
  readonly #peers = new Map<PeerId, Target>()
  readonly #bare = new Set<Target>()
  readonly #queue = new Set<Target>()
  #dialling = 0
  #running = false

  constructor(links: DialerLinks) {
    this.#links = links
  }

  start(): void {
    this.#running = true
    for (const target of this.#targets()) this.#schedule(target, 0)
  }

  stop(): void {
    this.#running = false
    for (const target of this.#targets()) {
      clearTimeout(target.timer)
      target.timer = undefined
      target.dialling?.controller.abort()
    }
    this.#queue.clear()
  }

  /** @throws SessionMeshError INVALID_CONFIG when the address is malformed */
  addBootstrap(text: string): void {
    const { address, peer } = parseAddress(text)
    if (peer !== undefined) this.learn(peer, [text])
    else this.#bare.add(newTarget(undefined, [address.toString()]))
  }

  /** Remembers addresses of a peer, the newest first, and connects to it if it is not connected. */
  learn(peer: PeerId, addresses: readonly string[]): void {
    if (peer === this.#links.self) return
    const usable = addresses.flatMap((address) => addressOf(peer, address) ?? [])
    if (usable.length === 0) return
    const target = this.#peers.get(peer) ?? this.#addPeer(peer)
    const known = target.addresses
    target.addresses = [...new Set([...usable, ...known])].slice(0, ADDRESSES_PER_PEER_MAX)
    if (!this.#running || this.#links.isConnected(peer)) return
    const isNews = target.addresses.some((address) => !known.includes(address))
    if (isNews) target.failures = 0
    const isPending = target.timer !== undefined || target.dialling !== undefined || this.#queue.has(target)
    if (isNews || !isPending) {
      this.#schedule(target, this.#yields(target) ? LEARN_YIELD_MS : 0)
    }
  }

  /**
   * Connects now, joining a dial that is under way.
   * @throws SessionMeshError PEER_UNREACHABLE; or whatever aborts `signal`
   */
  async connect(peer: PeerId, signal: AbortSignal): Promise<void> {
    const target = this.#peers.get(peer)
    if (!this.#running || target === undefined) {
      throw new SessionMeshError('PEER_UNREACHABLE', `no address of ${peer} is known`)
    }
    if (target.dialling === undefined) this.#attempt(target)
    await Promise.race([target.dialling?.done, aborted(signal)])
    if (!this.#links.isConnected(peer)) throw new SessionMeshError('PEER_UNREACHABLE', `could not connect to ${peer}`)
  }

  up(peer: PeerId): void {
    for (const target of this.#targets()) {
      if (target.peer !== peer) continue
      target.failures = 0
      clearTimeout(target.timer)
      target.timer = undefined
      this.#queue.delete(target)
    }
  }

  down(peer: PeerId): void {
    for (const target of this.#targets()) if (target.peer === peer) this.#schedule(target, this.#redialDelay(target))
  }

  #targets(): Target[] {
    return [...this.#peers.values(), ...this.#bare]
  }

  #addPeer(peer: PeerId): Target {
    if (this.#peers.size >= KNOWN_PEERS_MAX) this.#forgetOne()
    const target = newTarget(peer, [])
    this.#peers.set(peer, target)
    return target
  }

  /** Makes room by forgetting the disconnected peer that failed most often. */
  #forgetOne(): void {
    let worst: Target | undefined
    for (const target of this.#peers.values()) {
      if (target.peer !== undefined && this.#links.isConnected(target.peer)) continue
      if (worst === undefined || target.failures > worst.failures) worst = target
    }
    if (worst?.peer === undefined) return
    clearTimeout(worst.timer)
    worst.dialling?.controller.abort()
    this.#queue.delete(worst)
    this.#peers.delete(worst.peer)
  }

  /** A bare address leaves the first tries to the target that knows the peer's id. */
  #redialDelay(target: Target): number {
    if (target.isBare) return REDIAL_MAX_MS
    return REDIAL_FIRST_MS + (this.#yields(target) ? REDIAL_YIELD_MS : 0)
  }

  #yields(target: Target): boolean {
    return target.peer !== undefined && this.#links.self > target.peer
  }

  #schedule(target: Target, delayMs: number): void {
    if (!this.#running) return
    clearTimeout(target.timer)
    target.timer = setTimeout(() => this.#enqueue(target), delayMs)
  }

  #enqueue(target: Target): void {
    target.timer = undefined
    if (target.failures < FRESH_FAILURES_MAX && this.#dialling >= FRESH_DIALS_MAX) this.#queue.add(target)
    else this.#attempt(target)
  }

  #attempt(target: Target): void {
    clearTimeout(target.timer)
    target.timer = undefined
    this.#queue.delete(target)
    if (!this.#running || target.dialling !== undefined) return
    if (target.peer === undefined) target.peer = this.#ownerOf(target.addresses)
    if (target.peer === this.#links.self || (target.peer !== undefined && this.#links.isConnected(target.peer))) return
    const isFresh = target.failures < FRESH_FAILURES_MAX
    if (isFresh) this.#dialling += 1
    const controller = new AbortController()
    const timer = setTimeout(() => controller.abort(), DIAL_TIMEOUT_MS)
    const done = this.#links
      .dial(target.addresses, controller.signal)
      .then(
        (peer) => this.#connected(target, peer),
        (error: unknown) => this.#failed(target, error),
      )
      .finally(() => {
        clearTimeout(timer)
        if (isFresh) this.#dialling -= 1
        this.#takeNext()
      })
    target.dialling = { controller, done }
  }

  /** Dials the next that waits, passing over those whose peer has connected meanwhile. */
  #takeNext(): void {
    for (const target of this.#queue) {
      if (this.#dialling >= FRESH_DIALS_MAX) return
      this.#attempt(target)
    }
  }

  #connected(target: Target, peer: PeerId): void {
    target.dialling = undefined
    target.failures = 0
    if (target.isBare) {
      target.peer = peer
      this.learn(peer, target.addresses)
    }
    // The connection may have closed again before its opening was told of here.
    if (!this.#links.isConnected(peer)) this.#schedule(target, REDIAL_FIRST_MS)
  }

  #failed(target: Target, error: unknown): void {
    target.dialling = undefined
    if (!this.#running) return
    if (isSelfDial(error)) {
      target.peer = this.#links.self
      return
    }
    if (target.peer !== undefined && this.#links.isConnected(target.peer)) return
    target.failures += 1
    const delayMs = Math.min(REDIAL_MAX_MS, REDIAL_FIRST_MS * 2 ** Math.min(target.failures, 10))
    const reason = error instanceof Error ? error.message : String(error)
    const fields = { peer: target.peer, addresses: target.addresses, failures: target.failures, reason }
    this.#links.log(target.failures === 1 ? 'info' : 'debug', 'could not dial', fields)
    this.#schedule(target, delayMs)
  }

  /** The connected peer that is known to live at one of these addresses. */
  #ownerOf(addresses: readonly string[]): PeerId | undefined {
    for (const [peer, target] of this.#peers) {
      if (!this.#links.isConnected(peer)) continue
      if (addresses.some((address) => target.addresses.includes(`${address}/p2p/${peer}`))) return peer
    }
    return undefined
  }
}

function newTarget(peer: PeerId | undefined, addresses: string[]): Target {
  return { peer, addresses, isBare: peer === undefined, failures: 0, timer: undefined, dialling: undefined }
}

/** libp2p found only after the handshake that the address was this peer's own. */
function isSelfDial(error: unknown): boolean {
  return error instanceof Error && error.name === 'InvalidPeerIdError' && error.message.includes('dial self')
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    if (signal.aborted) reject(signal.reason)
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}
