// Gossipsub's settings, each for a reason measured or read (FIELD.md sections 0 and D).

import { type GossipsubOpts, StrictSign } from '@libp2p/gossipsub'
import {
  GOSSIP_BACKLOG_MAX,
  GOSSIP_IDONTWANT_MIN,
  GOSSIP_RPC_BYTES_MAX,
  SUBSCRIPTIONS_MAX,
  TOPIC_BYTES_PER_PEER_MAX,
} from './limits.ts'

const CONTROL_MESSAGES_MAX = 5_000

export const gossipOptions: Partial<GossipsubOpts> = {
  globalSignaturePolicy: StrictSign,
  emitSelf: false,
  // A new message goes to every neighbour on the topic, not to the mesh alone: one hop in all but the largest meshes,
  // and nothing is lost while mesh links are being made.
  floodPublish: true,
  // Encodes a message once for all neighbours instead of once for each.
  batchPublish: true,
  allowPublishToZeroTopicPeers: true,
  fallbackToFloodsub: false,
  // The default rewrites a peer-store record for every topic and link: seconds of stall at a few hundred topics.
  tagMeshPeers: false,
  doPX: false,
  maxTopicBytesPerPeer: TOPIC_BYTES_PER_PEER_MAX,
  maxInboundDataLength: GOSSIP_RPC_BYTES_MAX,
  maxOutboundBufferSize: GOSSIP_BACKLOG_MAX,
  idontwantMinDataSize: GOSSIP_IDONTWANT_MIN,
  idontwantMaxMessages: CONTROL_MESSAGES_MAX,
  decodeRpcLimits: {
    maxSubscriptions: SUBSCRIPTIONS_MAX,
    maxMessages: CONTROL_MESSAGES_MAX,
    maxIhaveMessageIDs: CONTROL_MESSAGES_MAX,
    maxIwantMessageIDs: CONTROL_MESSAGES_MAX,
    maxIdontwantMessageIDs: CONTROL_MESSAGES_MAX,
    maxControlMessages: SUBSCRIPTIONS_MAX,
    maxPeerInfos: 16,
  },
  // A second copy is known by origin and sequence number before its signature is checked; the default checks it again
  // for every copy, and the check is the dearest part of receiving.
  fastMsgIdFn: (message) => `${latin1(message.from)}${latin1(message.seqno)}`,
  // Members are trusted (DESIGN.md section 3), so nothing may lower a score: the defaults cut off healthy peers that
  // share one host (co-location) or answer late (behaviour). What a handler rejects is counted and logged by gossip.ts.
  scoreParams: { IPColocationFactorWeight: 0, behaviourPenaltyWeight: 0, topicScoreCap: 0, appSpecificWeight: 0 },
  scoreThresholds: { opportunisticGraftThreshold: 0 },
}

function latin1(bytes: Uint8Array | undefined): string {
  return bytes === undefined ? '' : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}
