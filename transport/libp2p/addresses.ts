// Reading multiaddrs that come from configuration, heartbeats and other peers.

import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { SessionMeshError } from '../../crdt/errors.ts'
import type { PeerId } from '../port.ts'

export interface PeerAddress {
  readonly address: Multiaddr
  /** The id at the end of the address, if it names one. */
  readonly peer: PeerId | undefined
}

/** @throws SessionMeshError INVALID_CONFIG when `text` is no multiaddr */
export function parseAddress(text: string): PeerAddress {
  try {
    const address = multiaddr(text)
    const last = address.getComponents().findLast((component) => component.name === 'p2p')
    return { address, peer: last?.value as PeerId | undefined }
  } catch (cause) {
    throw new SessionMeshError('INVALID_CONFIG', `${text} is not a multiaddr`, { cause })
  }
}

/** The address with the peer's id at its end, or undefined if it is malformed or names somebody else. */
export function addressOf(peer: PeerId, text: string): string | undefined {
  try {
    const parsed = parseAddress(text)
    if (parsed.peer === undefined) return `${parsed.address.toString()}/p2p/${peer}`
    return parsed.peer === peer ? parsed.address.toString() : undefined
  } catch {
    return undefined
  }
}
