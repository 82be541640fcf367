// The event half of every Transport: who listens to what. A listener that throws must not cut off the ones after it,
// nor the network code that calls them, so what it throws goes to `onError` and no further.

import type { PeerId, TransportEvents, Unsubscribe } from './port.ts'

type Sets = { readonly [E in keyof TransportEvents]: Set<TransportEvents[E]> }

export class Listeners {
  readonly #onError: (error: unknown) => void
  readonly #sets: Sets = { 'peer:up': new Set(), 'peer:down': new Set(), subscribed: new Set() }

  constructor(onError: (error: unknown) => void) {
    this.#onError = onError
  }

  on<E extends keyof TransportEvents>(event: E, listener: TransportEvents[E]): Unsubscribe {
    const set: Set<TransportEvents[E]> = this.#sets[event]
    set.add(listener)
    return () => set.delete(listener)
  }

  peerUp(peer: PeerId): void {
    for (const listener of this.#sets['peer:up']) this.#call(() => listener(peer))
  }

  peerDown(peer: PeerId): void {
    for (const listener of this.#sets['peer:down']) this.#call(() => listener(peer))
  }

  subscribed(peer: PeerId, topic: string): void {
    for (const listener of this.#sets.subscribed) this.#call(() => listener(peer, topic))
  }

  #call(fn: () => void): void {
    try {
      fn()
    } catch (error) {
      this.#onError(error)
    }
  }
}
