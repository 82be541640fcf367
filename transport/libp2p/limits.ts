// Every number that this transport hands to libp2p or keeps itself, in one place. libp2p's defaults are made for the
// open internet, where a neighbour is a suspect; members of a mesh are authenticated, many, and often share one host.

import { GOSSIP_BYTES_MAX, REQUEST_BYTES_MAX } from '../port.ts'

/**
 * First redial of a peer that went down; doubles up to the maximum and then goes on for ever. Between the last SYN of a dial
 * into a cut and the first of the next nothing looks whether the way is open: with a second's pause that is two.
 */
export const REDIAL_FIRST_MS = 100
export const REDIAL_MAX_MS = 1_000
/** By how much the peer with the greater id waits longer, so that two peers don't dial each other at once. */
export const REDIAL_YIELD_MS = 150
/** The same for a peer just learnt of: when a mesh starts, handshakes are slow and the other side is at it already. */
export const LEARN_YIELD_MS = 1_000
/** One dial, all addresses of the peer together. */
export const DIAL_TIMEOUT_MS = 10_000
/** One address: TCP, pre-shared key, noise and yamux are about five round trips. */
export const ADDRESS_DIAL_TIMEOUT_MS = 5_000
/** Dials of fresh targets at once. When a large mesh starts, all dialling all at once makes every handshake too late. */
export const FRESH_DIALS_MAX = 4
/** From so many failures in a row on, a target is not fresh: black-holed addresses must not keep the others waiting. */
export const FRESH_FAILURES_MAX = 3
/** A connection that comes in must have proved its keys by then. */
export const UPGRADE_TIMEOUT_MS = 5_000
/** Without identify a neighbour gets no gossip, so a busy one is given time: at start it shakes hands with everybody. */
export const IDENTIFY_TIMEOUT_MS = 15_000
export const KNOWN_PEERS_MAX = 4_096
export const ADDRESSES_PER_PEER_MAX = 16

/** Far above any mesh: libp2p prunes connections past it, and a mesh must never prune a member. */
export const CONNECTIONS_MAX = 10_000
export const PENDING_CONNECTIONS_MAX = 1_000
/** Per second and per host. The default (5) refuses the peers of a mesh that runs on one machine. */
export const CONNECTIONS_PER_HOST_MAX = 10_000

/**
 * A connection on which nothing answers a ping for this long is closed, so that a peer behind a silent partition is
 * dialled afresh when it heals instead of waiting for TCP's back-off. Longer than any stall of a healthy process.
 */
export const PING_TIMEOUT_MS = 6_000
export const PING_INTERVAL_MS = 4_000

/** Streams of one request protocol with one peer; more requests wait for one to come free. */
export const REQUEST_STREAMS_MAX = 64
/** What the other side may open, generously above what we open. */
export const INBOUND_STREAMS_MAX = 1_024
export const MUXER_STREAMS_MAX = 16_384
/** A stream helper buffers one whole message and its length prefix. */
export const REQUEST_BUFFER_MAX = REQUEST_BYTES_MAX + 16

/** 64 shards, members and what the SDK adds; the default stops at ~977 topics per peer (FIELD.md finding 2). */
export const TOPIC_BYTES_PER_PEER_MAX = 16 * 1024 * 1024
/** A peer's subscriptions come in one message; past the default of 5,000 the whole message is dropped (finding 3). */
export const SUBSCRIPTIONS_MAX = 20_000
/** One gossip message with its signature, or several of them together. */
export const GOSSIP_RPC_BYTES_MAX = 8 * GOSSIP_BYTES_MAX
/** Publishing waits while a neighbour has more than this unread, unless it read nothing for so long. */
export const GOSSIP_BACKLOG_HIGH = 1024 * 1024
export const GOSSIP_STALL_MS = 200
/** Unsent gossip for a neighbour that reads too slowly; past it the stream is reset and the neighbour dialled again. */
export const GOSSIP_BACKLOG_MAX = 32 * 1024 * 1024
/** Below it a duplicate costs less than the message that says "I have it". */
export const GOSSIP_IDONTWANT_MIN = 2 * 1024
/** What is larger is passed on so much later: all neighbours of its origin get it at once, and need time to say so. */
export const GOSSIP_FORWARD_DELAY_MS = 20

/** A neighbour without working gossip streams is reconnected: after this long if it had them, and if it never had. */
export const GOSSIP_LOST_MS = 2_000
export const GOSSIP_NEVER_MS = 20_000
export const WATCH_INTERVAL_MS = 500
