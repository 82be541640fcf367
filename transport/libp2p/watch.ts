// Gossipsub opens one stream to a neighbour when they connect, and never again: a stream that was reset (the neighbour
// read too slowly, or one of two connections closed) leaves the two connected and deaf. This watch sees such a pair and
// closes its connections; the dialer opens a new one.

import type { Connection, Libp2p, PeerId as Libp2pPeerId, Stream } from '@libp2p/interface'
import type { PeerId } from '../port.ts'
import { GOSSIP_LOST_MS, GOSSIP_NEVER_MS, WATCH_INTERVAL_MS } from './limits.ts'
import type { Log } from './log.ts'

const GOSSIP_PROTOCOL = '/meshsub/'

function isGossipStream(stream: Stream, direction: 'inbound' | 'outbound'): boolean {
  return stream.direction === direction && stream.status === 'open' && stream.protocol.startsWith(GOSSIP_PROTOCOL)
}

function hasGossipStream(connections: readonly Connection[], direction: 'inbound' | 'outbound'): boolean {
  return connections.some((connection) => connection.streams.some((stream) => isGossipStream(stream, direction)))
}

/** The streams that our gossip goes out on. */
export function gossipStreams(node: Libp2p): Stream[] {
  return node
    .getConnections()
    .flatMap((connection) => connection.streams.filter((stream) => isGossipStream(stream, 'outbound')))
}

/** Open connections of each peer. */
function connectionsByPeer(node: Pick<Libp2p, 'getConnections'>): Map<PeerId, Connection[]> {
  const byPeer = new Map<PeerId, Connection[]>()
  for (const connection of node.getConnections()) {
    if (connection.status !== 'open') continue
    const peer = connection.remotePeer.toString() as PeerId
    const of = byPeer.get(peer)
    if (of === undefined) byPeer.set(peer, [connection])
    else of.push(connection)
  }
  return byPeer
}

export function canGossipTo(node: Libp2p, peer: Libp2pPeerId): boolean {
  return hasGossipStream(node.getConnections(peer), 'outbound')
}

interface Watched {
  hadGossip: boolean
  deafTicks: number
}

export class GossipWatch {
  readonly #node: Pick<Libp2p, 'getConnections'>
  readonly #log: Log
  readonly #watched = new Map<PeerId, Watched>()
  #timer: NodeJS.Timeout | undefined

  constructor(node: Pick<Libp2p, 'getConnections'>, log: Log) {
    this.#node = node
    this.#log = log
  }

  start(): void {
    this.#timer ??= setInterval(() => this.#look(), WATCH_INTERVAL_MS)
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  // Counts ticks, not time: when this process itself was stopped for long, one tick passes.
  #look(): void {
    const byPeer = connectionsByPeer(this.#node)
    for (const peer of this.#watched.keys()) if (!byPeer.has(peer)) this.#watched.delete(peer)
    for (const [peer, connections] of byPeer) {
      const state = this.#watched.get(peer) ?? { hadGossip: false, deafTicks: 0 }
      this.#watched.set(peer, state)
      if (hasGossipStream(connections, 'outbound') && hasGossipStream(connections, 'inbound')) {
        state.hadGossip = true
        state.deafTicks = 0
        continue
      }
      state.deafTicks += 1
      const limitMs = state.hadGossip ? GOSSIP_LOST_MS : GOSSIP_NEVER_MS
      if (state.deafTicks * WATCH_INTERVAL_MS < limitMs) continue
      this.#log('warn', 'connected without gossip; connecting anew', { peer })
      this.#watched.delete(peer)
      for (const connection of connections) connection.abort(new Error('no gossip stream'))
    }
  }
}
