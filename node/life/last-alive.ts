// Until when this peer ran, and with whom: noted on its disk now and then, so that the next start knows how long it has
// been away, and whom to ask about that time.
import type { PeerId } from '../../transport/port.ts'
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
  /** Peers that were live at some time within a retention before that. */
  readonly company: readonly Companion[]
}

export interface Companion {
  readonly peer: PeerId
  readonly addresses: readonly string[]
  /** When it was last seen alive, ms since the epoch. */
  readonly seenAt: number
}

export interface LastAliveOptions {
  readonly clock: Clock
  readonly store: Store
  readonly tombstoneRetentionMs: number
  /** Live members but self. */
  readonly members: () => readonly Pick<Companion, 'peer' | 'addresses'>[]
}

export class LastAlive {
  readonly #options: LastAliveOptions
  readonly #company = new Map<PeerId, Companion>()
  #hasMet = false

  constructor(options: LastAliveOptions) {
    this.#options = options
  }

  /** What the last process left; undefined if there was none. */
  async read(): Promise<Note | undefined> {
    const bytes = await this.#options.store.getMeta(KEY)
    const note = bytes === undefined ? undefined : parseNote(new TextDecoder().decode(bytes))
    this.#hasMet = note?.hasMet === true
    for (const companion of note?.company ?? []) this.#company.set(companion.peer, companion)
    return note
  }

  /** Another peer was seen: it may be gone again before the next note. */
  met({ peer, addresses }: Pick<Companion, 'peer' | 'addresses'>): void {
    this.#company.set(peer, { peer, addresses, seenAt: this.#options.clock.now() })
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
    const note: Note = { ranUntil: clock.now(), hasMet: this.#hasMet, company: this.#companyNow() }
    await store.putMeta(KEY, new TextEncoder().encode(JSON.stringify(note)))
  }

  #companyNow(): Companion[] {
    const { clock, tombstoneRetentionMs } = this.#options
    this.#see()
    const now = clock.now()
    for (const { peer, seenAt } of this.#company.values()) {
      if (now - seenAt > tombstoneRetentionMs) this.#company.delete(peer)
    }
    return [...this.#company.values()]
  }

  #see(): void {
    const { clock, members } = this.#options
    const seenAt = clock.now()
    for (const { peer, addresses } of members()) this.#company.set(peer, { peer, addresses, seenAt })
  }
}

function parseNote(text: string): Note | undefined {
  const { ranUntil, hasMet, company = [] } = JSON.parse(text) as Partial<Note>
  return typeof ranUntil === 'number' ? { ranUntil, hasMet: hasMet === true, company } : undefined
}
