// What makes peers one mesh: the pre-shared key that every connection is wrapped in, and the name they look for each
// other by on the local network.

import { createHash } from 'node:crypto'
import { SessionMeshError } from '../../crdt/errors.ts'

/**
 * The file form of a pre-shared key, which is what @libp2p/pnet reads.
 * @throws SessionMeshError INVALID_CONFIG when the key is not 32 bytes
 */
export function pskFile(meshKey: Uint8Array): Uint8Array {
  if (meshKey.length !== 32) {
    throw new SessionMeshError('INVALID_CONFIG', `a mesh key has 32 bytes, not ${meshKey.length}`)
  }
  return new TextEncoder().encode(`/key/swarm/psk/1.0.0/\n/base16/\n${Buffer.from(meshKey).toString('hex')}`)
}

/** The mDNS service of a mesh: hashed, because a mesh name may hold what a DNS label may not. */
export function mdnsServiceTag(meshName: string): string {
  const hash = createHash('sha256').update(meshName).digest('hex')
  return `_sm${hash.slice(0, 12)}._udp.local`
}
