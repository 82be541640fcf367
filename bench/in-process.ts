// Real peers in this process, each with a disk, on the in-memory network; and what goes between them, counted. One
// process, so that its CPU time is what all of them together spend.
import { join } from 'node:path'
import type { Member } from '../node/api.ts'
import { resolveConfig, type PeerOptions } from '../node/config.ts'
import { MeshPeer } from '../node/peer.ts'
import { systemClock } from '../node/ports/clock.ts'
import { systemRandom } from '../node/ports/random.ts'
import { createLevelStore } from '../node/store/level.ts'
import { delay } from '../node/util/timers.ts'
import type { MemoryNetwork } from '../transport/memory/index.ts'
import type { Transport } from '../transport/port.ts'

/** What anti-entropy sends, and what fetching a session does. */
const REPAIR = new Set(['tree', 'pull', 'push', 'check'])

/**
 * Starts a peer on `directory/name`.
 * @param roundTripMs how long each of its requests is on the way, there and back
 */
export async function startPeer(
  network: MemoryNetwork,
  directory: string,
  options: PeerOptions & { readonly name: string },
  roundTripMs = 0,
): Promise<MeshPeer> {
  const store = createLevelStore({ directory: join(directory, options.name) })
  const transport = async () => slowed(network.transport(options.name), roundTripMs)
  const log = (level: string, message: string) => void (level === 'error' && process.stderr.write(`${message}\n`))
  const config = resolveConfig({ http: false, snapshotIntervalMs: 0, ...options })
  const peer = new MeshPeer(config, { clock: systemClock, random: systemRandom, store, transport, log })
  await peer.start()
  return peer
}

/** Live members that a peer sees, itself not among them. Asking it each time would cost more than what is measured. */
export class Company {
  readonly #alive = new Set<string>()

  constructor(peer: MeshPeer) {
    for (const member of peer.members()) this.#note(peer, member)
    peer.on('member', (member) => this.#note(peer, member))
  }

  get size(): number {
    return this.#alive.size
  }

  #note(self: MeshPeer, { peer, status }: Member): void {
    if (status === 'alive' && peer !== self.id) this.#alive.add(peer)
    else this.#alive.delete(peer)
  }
}

function slowed(transport: Transport, roundTripMs: number): Transport {
  if (roundTripMs === 0) return transport
  const request: Transport['request'] = async (peer, protocol, bytes, options) => {
    await delay(systemClock, roundTripMs)
    return transport.request(peer, protocol, bytes, options)
  }
  return new Proxy(transport, {
    get(target, name) {
      if (name === 'request') return request
      const value: unknown = Reflect.get(target, name)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}

/** Requests of anti-entropy, from when it was begun or reset. */
export class Traffic {
  roundTrips = 0
  bytes = 0
  /** Monotonic ms of the first and last of them. */
  firstAt: number | undefined
  lastAt: number | undefined

  constructor(network: MemoryNetwork) {
    network.drop((parcel) => {
      if (parcel.kind !== 'gossip' && REPAIR.has(parcel.protocol)) this.#count(parcel.kind, parcel.bytes.length)
      return false
    })
  }

  reset(): void {
    this.roundTrips = 0
    this.bytes = 0
    this.firstAt = undefined
    this.lastAt = undefined
  }

  #count(kind: 'request' | 'response', bytes: number): void {
    this.bytes += bytes
    if (kind === 'request') this.roundTrips++
    this.lastAt = systemClock.monotonic()
    this.firstAt ??= this.lastAt
  }
}

/** CPU time of the process so far, threads of the databases included, ms. */
export function cpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1_000
}
