// Which shard topics this peer is subscribed to: those of the shards it keeps, and of sessions that are open here.
import type { GossipMessage, Transport, Unsubscribe, Verdict } from '../../transport/port.ts'

export interface TopicsOptions {
  readonly transport: Transport
  readonly receive: (shard: number, message: GossipMessage) => Verdict
  /** The topic was left or joined anew, or is taken in otherwise than before: counts of frames start again. */
  readonly onTurn: (shard: number) => void
}

export type Interest = 'all' | 'open' | 'none'

export class Topics {
  readonly #options: TopicsOptions
  readonly #subscriptions = new Map<number, { interest: Interest; readonly unsubscribe: Unsubscribe }>()

  constructor(options: TopicsOptions) {
    this.#options = options
  }

  topic(shard: number): string {
    return `shard/${shard}`
  }

  interest(shard: number): Interest {
    return this.#subscriptions.get(shard)?.interest ?? 'none'
  }

  set(shard: number, interest: Interest): void {
    const { transport, receive, onTurn } = this.#options
    const subscription = this.#subscriptions.get(shard)
    if ((subscription?.interest ?? 'none') === interest) return
    if (interest === 'none') {
      subscription?.unsubscribe()
      this.#subscriptions.delete(shard)
    } else if (subscription === undefined) {
      const unsubscribe = transport.subscribe(this.topic(shard), (message) => receive(shard, message))
      this.#subscriptions.set(shard, { interest, unsubscribe })
    } else {
      subscription.interest = interest
    }
    onTurn(shard)
  }

  stop(): void {
    for (const { unsubscribe } of this.#subscriptions.values()) unsubscribe()
    this.#subscriptions.clear()
  }
}
