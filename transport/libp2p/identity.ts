// A peer's identity: an Ed25519 key and the id derived from it.

import { generateKeyPairFromSeed, privateKeyFromProtobuf, privateKeyToProtobuf } from '@libp2p/crypto/keys'
import type { PrivateKey } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { SessionMeshError } from '../../crdt/errors.ts'
import type { PeerId } from '../port.ts'

export interface Identity {
  readonly peerId: PeerId
  /** libp2p's protobuf form of the key: what `createLibp2pTransport` takes and a data directory keeps. */
  readonly privateKey: Uint8Array
}

/**
 * The identity of a seed: the same seed gives the same identity.
 * @throws SessionMeshError INVALID_ARGUMENT when `seed` is not 32 bytes
 */
export async function generateIdentity(seed: Uint8Array): Promise<Identity> {
  if (seed.length !== 32) throw new SessionMeshError('INVALID_ARGUMENT', `a seed has 32 bytes, not ${seed.length}`)
  const key = await generateKeyPairFromSeed('Ed25519', seed)
  return { peerId: peerIdOf(key), privateKey: privateKeyToProtobuf(key) }
}

/** @throws SessionMeshError INVALID_CONFIG when the bytes are not a private key */
export function readPrivateKey(bytes: Uint8Array): PrivateKey {
  try {
    return privateKeyFromProtobuf(bytes)
  } catch (cause) {
    throw new SessionMeshError('INVALID_CONFIG', 'the private key is not a libp2p key', { cause })
  }
}

export function peerIdOf(key: PrivateKey): PeerId {
  return peerIdFromPrivateKey(key).toString() as PeerId
}
