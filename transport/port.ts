// The Transport port: how bytes move between peers. Implementations: libp2p/ (the real one), memory/ (tests), and
// the simulator's. test/contract/transport.contract.ts is its specification.
//
// What `publish` may do to a message: lose it, duplicate it, reorder it, deliver it late. Never: corrupt it, invent
// it, or give it another origin: `from` has been proved by a signature.
// What `request` may do: hang until the timeout, be cut half way, or answer after the caller gave up.

/** A libp2p peer id in its string form; stable as long as the peer keeps its key. */
export type PeerId = string & { readonly __brand: 'PeerId' }

export interface GossipMessage {
  readonly topic: string
  /** The signer, which need not be the neighbour that forwarded it. */
  readonly from: PeerId
  readonly bytes: Uint8Array
}

/** Returned by a topic handler: `reject` stops forwarding and is held against the sender. */
export type Verdict = 'accept' | 'reject'
export type TopicHandler = (message: GossipMessage) => Verdict
export type RequestHandler = (from: PeerId, bytes: Uint8Array) => Promise<Uint8Array>
export type Unsubscribe = () => void

export interface RequestOptions {
  /** @default 5000 */
  readonly timeoutMs?: number
}

export interface TransportEvents {
  /** A first connection to the peer is open. */
  'peer:up': (peer: PeerId) => void
  /** The last connection to the peer is closed. */
  'peer:down': (peer: PeerId) => void
  /** A peer subscribed to a topic: messages published to it from now on can reach that peer. */
  subscribed: (peer: PeerId, topic: string) => void
}

export interface Transport {
  /** Known from construction on: it follows from the key. */
  readonly self: PeerId
  start(): Promise<void>
  /** Idempotent; afterwards nothing is delivered any more. */
  stop(): Promise<void>
  /** Where this peer listens, as multiaddrs. */
  addresses(): readonly string[]
  /**
   * Gossips `bytes`; never to itself. Resolves with the number of neighbours it was handed to (0: nobody yet), which
   * says nothing about delivery. Rejects with MESSAGE_TOO_LARGE over GOSSIP_BYTES_MAX.
   */
  publish(topic: string, bytes: Uint8Array): Promise<number>
  /** One handler per topic. A handler that throws counts as `reject`. */
  subscribe(topic: string, handler: TopicHandler): Unsubscribe
  /**
   * Asks one peer over a direct stream, dialling it if its address is known.
   * @throws SessionMeshError PEER_UNREACHABLE, REQUEST_TIMEOUT, MESSAGE_TOO_LARGE (over REQUEST_BYTES_MAX)
   */
  request(peer: PeerId, protocol: string, bytes: Uint8Array, options?: RequestOptions): Promise<Uint8Array>
  /** One handler per protocol. A handler that throws closes the stream: the asker sees PEER_UNREACHABLE. */
  handle(protocol: string, handler: RequestHandler): void
  /** Peers with an open connection. */
  peers(): readonly PeerId[]
  /** Tells the transport where a peer can be dialled; connects in the background if not connected. */
  learn(peer: PeerId, addresses: readonly string[]): void
  on<E extends keyof TransportEvents>(event: E, listener: TransportEvents[E]): Unsubscribe
}

/** Larger gossip is refused: past 4 MiB gossipsub loses messages without an error (FIELD.md section 0). */
export const GOSSIP_BYTES_MAX = 1024 * 1024
/** One message on a direct stream, either way. */
export const REQUEST_BYTES_MAX = 64 * 1024 * 1024
export const REQUEST_TIMEOUT_DEFAULT_MS = 5_000
