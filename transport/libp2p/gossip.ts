// Topics over gossipsub. A topic's handler runs as its validator: once for each message, before it is passed on, with
// the signature checked; its verdict decides whether it is passed on.

import {
  type Message,
  type SubscriptionChangeData,
  TopicValidatorResult,
  type TopicValidatorFn,
} from '@libp2p/gossipsub'
import type { PeerId as Libp2pPeerId } from '@libp2p/interface'
import { SessionMeshError } from '../../crdt/errors.ts'
import { GOSSIP_BYTES_MAX, type PeerId, type TopicHandler, type Unsubscribe, type Verdict } from '../port.ts'
import { Backlog } from './backlog.ts'
import type { Log } from './log.ts'
import type { Node } from './node.ts'
import { GOSSIP_FORWARD_DELAY_MS, GOSSIP_IDONTWANT_MIN } from './limits.ts'
import { canGossipTo, gossipStreams } from './watch.ts'

/** How often to look whether a stream to a new subscriber is open by now. */
const ANNOUNCE_INTERVAL_MS = 20

export class Gossip {
  readonly #self: PeerId
  readonly #log: Log
  readonly #onSubscribed: (peer: PeerId, topic: string) => void
  readonly #topics = new Map<string, TopicHandler>()
  readonly #rejected = new Map<PeerId, number>()
  /** Subscriptions of peers that we can't send to yet, by peer. */
  readonly #unannounced = new Map<PeerId, { readonly id: Libp2pPeerId; readonly topics: Set<string> }>()
  #announceTimer: NodeJS.Timeout | undefined
  readonly #backlog = new Backlog(() => (this.#node === undefined ? [] : gossipStreams(this.#node)))
  #node: Node | undefined

  constructor(self: PeerId, log: Log, onSubscribed: (peer: PeerId, topic: string) => void) {
    this.#self = self
    this.#log = log
    this.#onSubscribed = onSubscribed
  }

  start(node: Node): void {
    this.#node = node
    node.services.gossip.addEventListener('subscription-change', (event) => this.#changed(event.detail))
    for (const [topic, handler] of this.#topics) this.#attach(node, topic, handler)
  }

  stop(): void {
    clearInterval(this.#announceTimer)
    this.#announceTimer = undefined
    this.#unannounced.clear()
    this.#node?.services.gossip.topicValidators.clear()
    this.#node = undefined
  }

  async publish(topic: string, bytes: Uint8Array): Promise<number> {
    if (bytes.length > GOSSIP_BYTES_MAX) {
      const message = `gossip of ${bytes.length} bytes; the limit is ${GOSSIP_BYTES_MAX}`
      throw new SessionMeshError('MESSAGE_TOO_LARGE', message)
    }
    return await this.#backlog.run(async () => {
      if (this.#node === undefined) return 0
      const { recipients } = await this.#node.services.gossip.publish(topic, bytes)
      return recipients.length
    })
  }

  subscribe(topic: string, handler: TopicHandler): Unsubscribe {
    if (this.#topics.has(topic)) {
      throw new SessionMeshError('INVALID_ARGUMENT', `topic ${topic} has a handler already`)
    }
    this.#topics.set(topic, handler)
    if (this.#node !== undefined) this.#attach(this.#node, topic, handler)
    return () => {
      if (this.#topics.get(topic) !== handler) return
      this.#topics.delete(topic)
      this.#node?.services.gossip.topicValidators.delete(topic)
      this.#node?.services.gossip.unsubscribe(topic)
    }
  }

  /**
   * A first connection to the peer is open. Gossipsub 17.1.1 may still hold a stream to it that died while it was being
   * opened, and would never open another: whatever it holds now is dead.
   */
  welcome(peer: PeerId): void {
    const gossip: object = this.#node?.services.gossip ?? {}
    if ('streamsOutbound' in gossip && gossip.streamsOutbound instanceof Map) gossip.streamsOutbound.delete(peer)
  }

  /** The peer is disconnected: it will subscribe again when it returns. */
  forget(peer: PeerId): void {
    this.#unannounced.delete(peer)
    this.#rejected.delete(peer)
  }

  #attach(node: Node, topic: string, handler: TopicHandler): void {
    const validate: TopicValidatorFn = (neighbour, message) => {
      const from = originOf(message)
      // After a restart our own earlier messages may come back; they are nobody's news.
      if (from === undefined || from === this.#self || this.#node !== node) return TopicValidatorResult.Ignore
      if (this.#run(handler, topic, from, message.data) === 'accept') return forwardable(message)
      this.#countReject(neighbour.toString() as PeerId, from, topic)
      return TopicValidatorResult.Reject
    }
    node.services.gossip.topicValidators.set(topic, validate)
    node.services.gossip.subscribe(topic)
  }

  #run(handler: TopicHandler, topic: string, from: PeerId, bytes: Uint8Array): Verdict {
    try {
      return handler({ topic, from, bytes })
    } catch (error) {
      this.#log('error', 'topic handler threw', { topic, from, error })
      return 'reject'
    }
  }

  #countReject(neighbour: PeerId, from: PeerId, topic: string): void {
    const count = (this.#rejected.get(neighbour) ?? 0) + 1
    this.#rejected.set(neighbour, count)
    // Doubling steps: a peer that sends nothing but rubbish must not fill the log.
    if (Number.isInteger(Math.log2(count))) this.#log('warn', 'gossip rejected', { neighbour, from, topic, count })
  }

  #changed({ peerId, subscriptions }: SubscriptionChangeData): void {
    const peer = peerId.toString() as PeerId
    const pending = this.#unannounced.get(peer) ?? { id: peerId, topics: new Set() }
    for (const { topic, subscribe } of subscriptions) {
      if (subscribe) pending.topics.add(topic)
      else pending.topics.delete(topic)
    }
    this.#unannounced.set(peer, pending)
    this.#announce()
  }

  /**
   * Tells of subscriptions by peers that our messages can reach. A peer's own stream may be open before ours to it, and
   * what is published in between reaches nobody.
   */
  #announce(): void {
    const node = this.#node
    if (node === undefined) return
    for (const [peer, { id, topics }] of this.#unannounced) {
      if (topics.size > 0 && !canGossipTo(node, id)) continue
      this.#unannounced.delete(peer)
      for (const topic of topics) this.#onSubscribed(peer, topic)
    }
    if (this.#unannounced.size === 0) {
      clearInterval(this.#announceTimer)
      this.#announceTimer = undefined
    } else {
      this.#announceTimer ??= setInterval(() => this.#announce(), ANNOUNCE_INTERVAL_MS)
    }
  }
}

/**
 * A large message has its verdict, and with it is passed on, a little late: neighbours that have it from its origin, too,
 * say so at the same moment (IDONTWANT), and are then spared.
 */
function forwardable({ data }: Message): TopicValidatorResult | Promise<TopicValidatorResult> {
  if (data.length < GOSSIP_IDONTWANT_MIN) return TopicValidatorResult.Accept
  return new Promise((resolve) => setTimeout(resolve, GOSSIP_FORWARD_DELAY_MS, TopicValidatorResult.Accept))
}

function originOf(message: Message): PeerId | undefined {
  return message.type === 'signed' ? (message.from.toString() as PeerId) : undefined
}
