// Handovers on purpose while everything else goes on: an operator drains a peer, or hands its homes to another, and takes
// that back some time later.
import { hasCode } from '../../crdt/errors.ts'
import type { Failover } from '../../node/api.ts'
import type { Machine } from '../world/machine.ts'
import type { World } from '../world/world.ts'

/** What a handover may end with that is nobody's mistake: those that are to have it are away, or the peer itself stops. */
const EXPECTED = [
  'FAILOVER_NOT_READY',
  'PEER_NOT_FOUND',
  'PEER_UNREACHABLE',
  'PEER_NOT_RUNNING',
  'REQUEST_TIMEOUT',
] as const

export class Handovers {
  readonly #world: World

  constructor(world: World) {
    this.#world = world
  }

  /** Returns what brings the peer back into use. */
  drain(machine: Machine): () => void {
    this.#ask(machine, (failover) => failover.drain())
    return () => this.#ask(machine, (failover) => failover.failback())
  }

  /** Returns what takes the homes back. */
  handOver(from: Machine, to: string): () => void {
    this.#ask(from, (failover) => failover.graceful(to))
    return () => this.#ask(from, (failover) => failover.failback())
  }

  /** At a peer that is down nothing is asked; a frozen one hears of it at the thaw. */
  #ask({ peer, process }: Machine, what: (failover: Failover) => Promise<unknown>): void {
    if (peer === undefined) return
    process?.enter(() => {
      what(peer.failover).catch((error: unknown) => {
        if (process.isAlive && !EXPECTED.some((code) => hasCode(error, code))) this.#world.uncaught(error)
      })
    })
  }
}
