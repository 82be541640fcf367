// What replication counts, for status and metrics, and the one place where something refused is counted and reported.

export interface Refusal {
  readonly reason: string
  readonly session: string
  readonly origin: string
  readonly detail: string
}

export class Counters {
  exchanges = 0
  #framesPublished = 0
  #framesReceived = 0
  #updatesPublished = 0
  #updatesReceived = 0
  readonly #refused = new Map<string, number>()
  readonly #onRefused: (refusal: Refusal) => void

  constructor(onRefused: (refusal: Refusal) => void) {
    this.#onRefused = onRefused
  }

  published(updates: number): void {
    this.#framesPublished++
    this.#updatesPublished += updates
  }

  received(updates: number): void {
    this.#framesReceived++
    this.#updatesReceived += updates
  }

  readonly refuse = (reason: string, session: string, origin: string, detail: string): void => {
    this.#refused.set(reason, (this.#refused.get(reason) ?? 0) + 1)
    this.#onRefused({ reason, session: session.slice(0, 300), origin, detail })
  }

  snapshot(): {
    framesPublished: number
    framesReceived: number
    updatesPublished: number
    updatesReceived: number
    exchanges: number
    refused: Record<string, number>
  } {
    return {
      framesPublished: this.#framesPublished,
      framesReceived: this.#framesReceived,
      updatesPublished: this.#updatesPublished,
      updatesReceived: this.#updatesReceived,
      exchanges: this.exchanges,
      refused: Object.fromEntries(this.#refused),
    }
  }
}
