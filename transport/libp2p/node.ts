// The libp2p node under the transport: TCP, the mesh key's wrapping, noise, yamux, and the services. Made by `start`
// and thrown away by `stop`, so that constructing a transport opens nothing.

import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { type GossipSub, gossipsub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import type { ComponentLogger, Libp2p, PrivateKey, Transport } from '@libp2p/interface'
import { mdns } from '@libp2p/mdns'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { createLibp2p } from 'libp2p'
import { gossipOptions } from './gossip-options.ts'
import {
  ADDRESS_DIAL_TIMEOUT_MS,
  CONNECTIONS_MAX,
  CONNECTIONS_PER_HOST_MAX,
  DIAL_TIMEOUT_MS,
  IDENTIFY_TIMEOUT_MS,
  INBOUND_STREAMS_MAX,
  MUXER_STREAMS_MAX,
  PENDING_CONNECTIONS_MAX,
  PING_INTERVAL_MS,
  PING_TIMEOUT_MS,
  UPGRADE_TIMEOUT_MS,
} from './limits.ts'
import { mdnsServiceTag } from './mesh.ts'
import { meshProtector } from './protector.ts'

export type Node = Libp2p<{ gossip: GossipSub }>

/** What bytes go over: a libp2p transport. */
export type Wire = (components: { logger: ComponentLogger }) => Transport

export interface NodeOptions {
  readonly privateKey: PrivateKey
  readonly listen: readonly string[]
  readonly mdns: boolean
  readonly meshName: string
  readonly meshKey: Uint8Array | undefined
  readonly allowedPeers?: readonly string[] | undefined
  readonly wire?: Wire
}

export async function createNode(options: NodeOptions): Promise<Node> {
  // Asked once the handshake has proved who is there, and before anything else is said.
  const denied = (peer: { toString(): string }) =>
    options.allowedPeers !== undefined && !options.allowedPeers.includes(peer.toString())
  return await createLibp2p({
    start: false,
    privateKey: options.privateKey,
    addresses: { listen: [...options.listen] },
    transports: [options.wire ?? tcp()],
    ...(options.meshKey === undefined ? {} : { connectionProtector: meshProtector(options.meshKey) }),
    connectionEncrypters: [noise()],
    connectionGater: { denyInboundEncryptedConnection: denied, denyOutboundEncryptedConnection: denied },
    streamMuxers: [yamux({ maxInboundStreams: MUXER_STREAMS_MAX, maxOutboundStreams: MUXER_STREAMS_MAX })],
    peerDiscovery: options.mdns ? [mdns({ serviceTag: mdnsServiceTag(options.meshName) })] : [],
    connectionManager: {
      maxConnections: CONNECTIONS_MAX,
      maxIncomingPendingConnections: PENDING_CONNECTIONS_MAX,
      inboundConnectionThreshold: CONNECTIONS_PER_HOST_MAX,
      inboundUpgradeTimeout: UPGRADE_TIMEOUT_MS,
      dialTimeout: DIAL_TIMEOUT_MS,
      addressDialTimeout: ADDRESS_DIAL_TIMEOUT_MS,
      // Redialling is dialer.ts's business.
      reconnectRetries: 0,
    },
    connectionMonitor: {
      pingInterval: PING_INTERVAL_MS,
      pingTimeout: { minTimeout: PING_TIMEOUT_MS, maxTimeout: PING_TIMEOUT_MS },
    },
    services: {
      identify: identify({ timeout: IDENTIFY_TIMEOUT_MS }),
      // The monitor above opens ping streams. With the default of one, a ping that is late makes the next one fail and
      // the connection close before its time.
      ping: ping({ maxInboundStreams: 16, maxOutboundStreams: 16 }),
      gossip: gossipsub({
        ...gossipOptions,
        maxInboundStreams: INBOUND_STREAMS_MAX,
        maxOutboundStreams: INBOUND_STREAMS_MAX,
      }),
    },
  })
}
