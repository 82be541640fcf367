// The SDK: a peer of the mesh inside your own Node.js server.
//
//   import { createPeer } from 'sessionmesh'
//
//   const peer = await createPeer({ name: 'edge-1', dataDir: './data/edge-1', meshKeyFile: './mesh.key' })
//   await peer.start()
//   const { session, receipt } = await peer.sessions.create('cart:42', { data: { items: 0 } })
//   await session.set('items', 1)          // resolves once it is on two disks
//   await peer.stop()
import { createLibp2pTransport, generateIdentity } from '../transport/libp2p/index.ts'
import type { Peer } from './api.ts'
import { resolveConfig, type PeerOptions } from './config.ts'
import { quietLog, type Log } from './log.ts'
import { readMeshKey } from './mesh-key.ts'
import { MeshPeer } from './peer.ts'
import { systemClock } from './ports/clock.ts'
import { systemRandom } from './ports/random.ts'
import { createLevelStore } from './store/level.ts'
import { createMemoryStore } from './store/memory.ts'
import { openTarget } from './snapshots/open-target.ts'

export type * from './api.ts'
export { SessionMeshError, ReplicationTimeoutError, type ErrorCode } from '../crdt/errors.ts'
export { resolveConfig, type PeerConfig, type PeerOptions } from './config.ts'
export type { Clock, Cancel } from './ports/clock.ts'
export type { Random } from './ports/random.ts'
export type { SnapshotTarget } from './ports/snapshot-target.ts'
export type { Store } from './ports/store.ts'
export type { Log } from './log.ts'

/**
 * Makes a peer; nothing happens until `start()`.
 * @throws SessionMeshError INVALID_CONFIG naming each wrong setting
 */
export async function createPeer(options: PeerOptions = {}, log: Log = quietLog): Promise<Peer> {
  const config = resolveConfig(options)
  const meshKey = await readMeshKey(config)
  const { dataDir } = config
  return new MeshPeer(config, {
    clock: systemClock,
    random: systemRandom,
    log,
    store:
      dataDir === undefined
        ? createMemoryStore()
        : createLevelStore({
            directory: `${dataDir}/store`,
            onQuarantine: (damaged) => log('warn', 'a damaged record was set aside', { ...damaged }),
          }),
    snapshotTarget: await openTarget(config, systemRandom),
    transport: async (seed) => {
      const { privateKey } = await generateIdentity(seed)
      const { listen, bootstrap, mdns, meshName } = config
      const allowedPeers = config.allowedPeers.length === 0 ? undefined : config.allowedPeers
      return createLibp2pTransport({ privateKey, listen, bootstrap, mdns, meshName, meshKey, allowedPeers, log })
    },
  })
}
