// Until when this peer ran: noted on its disk now and then, so that the next start knows how long it has been away.
import type { Cancel, Clock } from '../ports/clock.ts'
import type { Store } from '../ports/store.ts'
import { every } from '../util/timers.ts'

const KEY = 'last-alive'
const INTERVAL_MAX_MS = 60_000
const INTERVAL_MIN_MS = 1_000
/** Notes in a retention, at least. */
const NOTES = 100

export interface Note {
  /** ms since the epoch. */
  readonly ranUntil: number
  /** Whether it has ever met another peer. */
  readonly hasMet: boolean
}

export interface LastAliveOptions {
  readonly clock: Clock
  readonly store: Store
  readonly tombstoneRetentionMs: number
}

export class LastAlive {
  readonly #options: LastAliveOptions
  #hasMet = false

  constructor(options: LastAliveOptions) {
    this.#options = options
  }

  /** What the last process left; undefined if there was none. */
  async read(): Promise<Note | undefined> {
    const bytes = await this.#options.store.getMeta(KEY)
    const note = bytes === undefined ? undefined : parseNote(new TextDecoder().decode(bytes))
    this.#hasMet = note?.hasMet === true
    return note
  }

  /** Another peer was seen. */
  met(): void {
    if (this.#hasMet) return
    this.#hasMet = true
    this.#noteSoon()
  }

  /** To be called once the peer may show what it holds: until then it is as far away as it was. */
  start(): Cancel {
    const { clock, tombstoneRetentionMs } = this.#options
    const intervalMs = Math.max(INTERVAL_MIN_MS, Math.min(INTERVAL_MAX_MS, tombstoneRetentionMs / NOTES))
    this.#noteSoon()
    const cancel = every(clock, intervalMs, () => this.#noteSoon())
    return () => {
      this.#noteSoon()
      cancel()
    }
  }

  /** A store that has failed says so elsewhere. */
  #noteSoon(): void {
    this.#note().catch(() => {})
  }

  async #note(): Promise<void> {
    const { clock, store } = this.#options
    if (store.obstacle !== undefined) return
    const note: Note = { ranUntil: clock.now(), hasMet: this.#hasMet }
    await store.putMeta(KEY, new TextEncoder().encode(JSON.stringify(note)))
  }
}

function parseNote(text: string): Note | undefined {
  const { ranUntil, hasMet } = JSON.parse(text) as Partial<Note>
  return typeof ranUntil === 'number' ? { ranUntil, hasMet: hasMet === true } : undefined
}
