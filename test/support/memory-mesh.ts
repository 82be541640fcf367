// Peers of the real node/ code on the in-memory network, in one process: fast, and gossip can be taken away.
import { resolveConfig, type PeerOptions } from '../../node/config.ts'
import { MeshPeer, type PeerPorts } from '../../node/peer.ts'
import { systemClock } from '../../node/ports/clock.ts'
import { systemRandom } from '../../node/ports/random.ts'
import type { Store } from '../../node/ports/store.ts'
import { createMemoryStore, type MemoryStore } from '../../node/store/memory.ts'
import { until } from '../../node/util/timers.ts'
import { createMemoryNetwork, type MemoryNetwork } from '../../transport/memory/index.ts'
import type { Transport } from '../../transport/port.ts'

export interface MemoryMesh {
  readonly network: MemoryNetwork
  readonly peers: readonly MeshPeer[]
  readonly stores: readonly MemoryStore[]
  readonly transports: readonly Transport[]
  /** One more peer, or the same again with the disk it left. */
  add(options?: PeerOptions & { readonly store?: MemoryStore }): Promise<MeshPeer>
  stop(): Promise<void>
}

/** Starts peers named a, b, c, … that all know each other. */
export async function startMemoryMesh(
  count: number,
  options: PeerOptions = {},
  ports: Pick<PeerPorts, 'snapshotTarget'> = {},
): Promise<MemoryMesh> {
  const network = createMemoryNetwork({ timers: systemClock })
  const stores: MemoryStore[] = []
  const transports: Transport[] = []
  const peers: MeshPeer[] = []
  const nameOf = (index: number) => String.fromCharCode('a'.charCodeAt(0) + index)
  const mesh = {
    network,
    peers,
    stores,
    transports,
    async add({ store = createMemoryStore(), ...more }: PeerOptions & { readonly store?: MemoryStore } = {}) {
      const name = more.name ?? nameOf(peers.length)
      const transport = network.transport(name)
      const peer = memoryPeer(transport, store, { name, shardCount: 8, ...options, ...more }, ports)
      stores.push(store)
      transports.push(transport)
      peers.push(peer)
      await peer.start()
      return peer
    },
    async stop() {
      await Promise.all(peers.map((peer) => peer.stop()))
    },
  }
  for (let i = 0; i < count; i++) await mesh.add()
  await eventually('the mesh to form', () =>
    peers.every((peer) => peer.members().filter(({ status }) => status === 'alive').length === count),
  )
  return mesh
}

/** Waits for a condition with a deadline. */
export function eventually(what: string, condition: () => boolean, timeoutMs = 10_000): Promise<void> {
  return until(systemClock, condition, { timeoutMs, intervalMs: 5, what })
}

/** The same, for a condition that must ask first. */
export async function eventuallyAsync(
  what: string,
  condition: () => Promise<boolean>,
  timeoutMs = 10_000,
): Promise<void> {
  const deadline = systemClock.monotonic() + timeoutMs
  while (!(await condition())) {
    if (systemClock.monotonic() > deadline) throw new Error(`${what}: not within ${timeoutMs} ms`)
    await new Promise<void>((resolve) => systemClock.setTimer(5, resolve))
  }
}

/** One peer of the real node/ code over any transport and store. */
export function memoryPeer(
  transport: Transport,
  store: Store,
  options: PeerOptions,
  ports: Partial<Pick<PeerPorts, 'snapshotTarget' | 'clock' | 'log'>> = {},
): MeshPeer {
  return new MeshPeer(resolveConfig(options), {
    clock: systemClock,
    random: systemRandom,
    store,
    transport: async () => transport,
    log: () => {},
    ...ports,
  })
}
