// The real Transport: puts the dialer, gossip, requests and the watch around a libp2p node.
//
// Who is connected is told by libp2p's own events, which follow the sockets: a process that is killed closes its
// sockets, so `peer:down` comes within milliseconds. A peer that hangs, or is behind a silent partition, keeps its
// connection until a ping has gone unanswered (limits.ts); membership notices such a peer sooner by its silence.

import type { Connection, Libp2pEvents } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { SessionMeshError } from '../../crdt/errors.ts'
import { Listeners } from '../listeners.ts'
import {
  type PeerId,
  REQUEST_BYTES_MAX,
  type RequestHandler,
  type RequestOptions,
  type TopicHandler,
  type Transport,
  type TransportEvents,
  type Unsubscribe,
} from '../port.ts'
import { Dialer } from './dialer.ts'
import { Gossip } from './gossip.ts'
import { peerIdOf, readPrivateKey } from './identity.ts'
import { INBOUND_STREAMS_MAX } from './limits.ts'
import { type Log, silentLog } from './log.ts'
import { pskFile } from './mesh.ts'
import { createNode, type Node, type NodeOptions, type Wire } from './node.ts'
import { Requests, streamProtocol } from './requests.ts'
import { respondWith } from './responder.ts'
import { GossipWatch } from './watch.ts'

export interface Libp2pTransportOptions {
  /** In libp2p's protobuf form, as `generateIdentity` gives it. */
  readonly privateKey: Uint8Array
  /** Multiaddrs, e.g. `/ip4/0.0.0.0/tcp/4001`. */
  readonly listen: readonly string[]
  /** Multiaddrs of other peers, with or without `/p2p/<id>`; dialled until they answer. */
  readonly bootstrap: readonly string[]
  /** Whether to find peers of the same mesh name on the local network. */
  readonly mdns: boolean
  readonly meshName: string
  /** 32 bytes that all members share; without it anybody may connect. */
  readonly meshKey: Uint8Array | undefined
  /** Peer ids that may connect; undefined: every holder of the mesh key. @default undefined */
  readonly allowedPeers?: readonly string[] | undefined
  readonly log?: Log
  /** What bytes go over; the simulator brings its own. @default TCP */
  readonly wire?: Wire
}

/**
 * A Transport over libp2p. Has no effects until `start`.
 * @throws SessionMeshError INVALID_CONFIG when a key or a bootstrap address is malformed
 */
export function createLibp2pTransport(options: Libp2pTransportOptions): Transport {
  return new Libp2pTransport(options)
}

class Libp2pTransport implements Transport {
  readonly self: PeerId
  readonly #log: Log
  readonly #nodeOptions: NodeOptions
  readonly #listeners: Listeners
  readonly #gossip: Gossip
  readonly #requests = new Requests((peer, signal) => this.#connection(peer, signal))
  readonly #dialer: Dialer
  readonly #protocols = new Map<string, RequestHandler>()
  readonly #connected = new Set<PeerId>()
  #node: Node | undefined
  #watch: GossipWatch | undefined
  #starting: Promise<void> | undefined
  #stopping: Promise<void> | undefined

  constructor(options: Libp2pTransportOptions) {
    const privateKey = readPrivateKey(options.privateKey)
    if (options.meshKey !== undefined) pskFile(options.meshKey)
    this.self = peerIdOf(privateKey)
    this.#log = options.log ?? silentLog
    this.#nodeOptions = { ...options, privateKey }
    this.#listeners = new Listeners((error) => this.#log('error', 'listener threw', { error }))
    this.#gossip = new Gossip(this.self, this.#log, (peer, topic) => this.#listeners.subscribed(peer, topic))
    this.#dialer = new Dialer({
      self: this.self,
      log: this.#log,
      dial: (addresses, signal) => this.#dial(addresses, signal),
      isConnected: (peer) => this.#connected.has(peer),
    })
    for (const address of options.bootstrap) this.#dialer.addBootstrap(address)
  }

  /** @throws SessionMeshError INVALID_CONFIG when it can't listen where it should */
  start(): Promise<void> {
    this.#starting ??= this.#start()
    return this.#starting
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  addresses(): readonly string[] {
    return this.#node?.getMultiaddrs().map(String) ?? []
  }

  publish(topic: string, bytes: Uint8Array): Promise<number> {
    return this.#gossip.publish(topic, bytes)
  }

  subscribe(topic: string, handler: TopicHandler): Unsubscribe {
    return this.#gossip.subscribe(topic, handler)
  }

  async request(peer: PeerId, protocol: string, bytes: Uint8Array, options?: RequestOptions): Promise<Uint8Array> {
    if (bytes.length > REQUEST_BYTES_MAX) {
      const message = `request of ${bytes.length} bytes; the limit is ${REQUEST_BYTES_MAX}`
      throw new SessionMeshError('MESSAGE_TOO_LARGE', message)
    }
    return await this.#requests.request(peer, protocol, bytes, options)
  }

  handle(protocol: string, handler: RequestHandler): void {
    if (this.#protocols.has(protocol)) {
      throw new SessionMeshError('INVALID_ARGUMENT', `protocol ${protocol} has a handler already`)
    }
    this.#protocols.set(protocol, handler)
    if (this.#node !== undefined) void this.#attach(this.#node, protocol, handler)
  }

  peers(): readonly PeerId[] {
    return [...this.#connected]
  }

  learn(peer: PeerId, addresses: readonly string[]): void {
    this.#dialer.learn(peer, addresses)
  }

  on<E extends keyof TransportEvents>(event: E, listener: TransportEvents[E]): Unsubscribe {
    return this.#listeners.on(event, listener)
  }

  async #start(): Promise<void> {
    const node = await createNode(this.#nodeOptions)
    this.#listen(node)
    for (const [protocol, handler] of this.#protocols) await this.#attach(node, protocol, handler)
    try {
      await node.start()
    } catch (cause) {
      await node.stop()
      const where = this.#nodeOptions.listen.join(', ')
      throw new SessionMeshError('INVALID_CONFIG', `can't listen on ${where}: ${reasonOf(cause)}`, { cause })
    }
    this.#node = node
    this.#gossip.start(node)
    this.#watch = new GossipWatch(node, this.#log)
    this.#watch.start()
    this.#dialer.start()
  }

  async #stop(): Promise<void> {
    await this.#starting?.catch(() => {})
    const node = this.#node
    this.#node = undefined
    this.#connected.clear()
    this.#dialer.stop()
    this.#watch?.stop()
    this.#requests.stop()
    this.#gossip.stop()
    await node?.stop()
  }

  #listen(node: Node): void {
    const isStopped = (): boolean => this.#stopping !== undefined
    const listen = <E extends keyof Libp2pEvents>(event: E, fn: (detail: Libp2pEvents[E]['detail']) => void): void =>
      node.addEventListener(event, (fired) => {
        if (!isStopped()) fn(fired.detail)
      })
    listen('peer:connect', (id) => this.#up(id.toString() as PeerId))
    listen('peer:disconnect', (id) => this.#down(id.toString() as PeerId))
    listen('peer:identify', ({ peerId, listenAddrs }) =>
      this.#dialer.learn(peerId.toString() as PeerId, listenAddrs.map(String)),
    )
    if (this.#nodeOptions.mdns) {
      listen('peer:discovery', ({ id, multiaddrs }) =>
        this.#dialer.learn(id.toString() as PeerId, multiaddrs.map(String)),
      )
    }
  }

  #up(peer: PeerId): void {
    if (this.#connected.has(peer)) return
    this.#connected.add(peer)
    this.#gossip.welcome(peer)
    this.#dialer.up(peer)
    this.#listeners.peerUp(peer)
  }

  #down(peer: PeerId): void {
    if (!this.#connected.delete(peer)) return
    this.#gossip.forget(peer)
    this.#dialer.down(peer)
    this.#listeners.peerDown(peer)
  }

  async #attach(node: Node, protocol: string, handler: RequestHandler): Promise<void> {
    const respond = respondWith(protocol, handler, () => this.#stopping === undefined, this.#log)
    await node.handle(streamProtocol(protocol), respond, {
      maxInboundStreams: INBOUND_STREAMS_MAX,
      maxOutboundStreams: INBOUND_STREAMS_MAX,
    })
  }

  async #dial(addresses: readonly string[], signal: AbortSignal): Promise<PeerId> {
    const node = this.#node
    if (node === undefined) throw new Error('not running')
    const connection = await node.dial(
      addresses.map((address) => multiaddr(address)),
      { signal },
    )
    return connection.remotePeer.toString() as PeerId
  }

  /** The newest open connection: an older one may belong to an earlier life of the peer. */
  async #connection(peer: PeerId, signal: AbortSignal): Promise<Connection> {
    const open = (): Connection | undefined =>
      this.#node?.getConnections(peerIdFromString(peer)).findLast((connection) => connection.status === 'open')
    if (this.#node === undefined || peer === this.self) {
      throw new SessionMeshError('PEER_UNREACHABLE', `${peer} can't be asked`)
    }
    const existing = open()
    if (existing !== undefined) return existing
    await this.#dialer.connect(peer, signal)
    const dialled = open()
    if (dialled === undefined) throw new SessionMeshError('PEER_UNREACHABLE', `the connection to ${peer} closed`)
    return dialled
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
