// Write load from clients that stick to one peer and move to the next when it stops answering. A write that failed is
// of unknown outcome, as for any client; it is counted as nothing and its key is never used again.
import type { AdminClient } from '../cli/client.ts'
import { delay } from '../util/timers.ts'
import { systemClock } from '../ports/clock.ts'
import type { Ledger } from './ledger.ts'

const RETRY_PAUSE_MS = 2

export interface LoadOptions {
  readonly ledger: Ledger
  readonly sessions: readonly string[]
  readonly writers: number
  /** Where to write now. */
  readonly target: () => AdminClient
  readonly onWrite?: () => void
}

export class WriteLoad {
  readonly #options: LoadOptions
  readonly #writers: Promise<void>[]
  #running = true
  #next = 0

  constructor(options: LoadOptions) {
    this.#options = options
    this.#writers = Array.from({ length: options.writers }, () => this.#write())
  }

  async stop(): Promise<void> {
    this.#running = false
    await Promise.all(this.#writers)
  }

  async #write(): Promise<void> {
    const { ledger, sessions, target, onWrite } = this.#options
    while (this.#running) {
      const k = this.#next++
      const session = sessions[k % sessions.length] ?? ''
      const set = { [`w${k}`]: `value ${k}` }
      try {
        await target().call('PATCH', `/v1/sessions/${session}`, { set })
        ledger.acknowledge(session, set)
        onWrite?.()
      } catch {
        await delay(systemClock, RETRY_PAUSE_MS)
      }
    }
  }
}
