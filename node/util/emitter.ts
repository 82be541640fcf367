// A typed emitter: listeners run in order, synchronously. A listener that throws is a bug in that listener and must
// not keep the others, or the emitter, from going on; it is handed to `onError`.

export class Emitter<Events extends { [K in keyof Events]: (event: never) => void }> {
  readonly #listeners = new Map<keyof Events, Set<(event: never) => void>>()
  readonly #onError: (error: unknown) => void

  constructor(onError: (error: unknown) => void) {
    this.#onError = onError
  }

  on<E extends keyof Events>(event: E, listener: Events[E]): () => void {
    const listeners = this.#listeners.get(event) ?? new Set()
    this.#listeners.set(event, listeners)
    listeners.add(listener)
    return () => listeners.delete(listener)
  }

  emit<E extends keyof Events>(event: E, value: Parameters<Events[E]>[0]): void {
    for (const listener of this.#listeners.get(event) ?? []) {
      try {
        listener(value as never)
      } catch (error) {
        this.#onError(error)
      }
    }
  }
}
