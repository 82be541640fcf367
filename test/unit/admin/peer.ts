// A real peer without socket or disk, alone in its network, for the admin to stand before.
import type { Peer } from '../../../node/api.ts'
import { resolveConfig } from '../../../node/config.ts'
import { quietLog } from '../../../node/log.ts'
import { MeshPeer } from '../../../node/peer.ts'
import { systemClock } from '../../../node/ports/clock.ts'
import { systemRandom } from '../../../node/ports/random.ts'
import { createMemoryTarget } from '../../../node/snapshots/memory-target.ts'
import { createMemoryStore } from '../../../node/store/memory.ts'
import { createMemoryNetwork, type MemoryNetwork } from '../../../transport/memory/index.ts'

export async function startPeer(
  name: string,
  network: MemoryNetwork = createMemoryNetwork({ timers: systemClock }),
): Promise<Peer> {
  const peer = new MeshPeer(resolveConfig({ name }), {
    clock: systemClock,
    random: systemRandom,
    store: createMemoryStore(),
    log: quietLog,
    transport: async () => network.transport(name),
    snapshotTarget: createMemoryTarget(),
  })
  await peer.start()
  return peer
}
