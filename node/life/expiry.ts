// Ends sessions whose time is over: what their home does. Late is harmless, early is not, so it waits in doubt: for the
// margin by which clocks may differ, for what every live peer says, and for peers that are out of reach, for a while.
import { deadlineOf, describeSession, isTerminated, terminateSession } from '../../crdt/index.ts'
import type { PeerId } from '../../transport/port.ts'
import type { MemberRecord } from '../membership/view.ts'
import type { Cancel, Clock } from '../ports/clock.ts'
import type { Catalog } from '../sessions/catalog.ts'
import type { Entry } from '../sessions/entry.ts'
import { everyInTurn } from '../util/timers.ts'
import { Agenda } from './agenda.ts'
import { ANSWER_MS, SESSIONS_MAX, type Agreement } from './agreement.ts'

const TICK_MS = 500
/** When to look again at a session that is due and was not ended: it is another's to end, or somebody objected. */
const AGAIN_MS = 2_000
/** Batches of sessions looked at in one tick: other work gets its turn, however many are due. */
const BATCHES_MAX = 16

export interface ExpiryOptions {
  readonly clock: Clock
  readonly catalog: () => Catalog
  readonly agreement: Agreement
  readonly members: () => readonly MemberRecord[]
  readonly isHome: (entry: Entry) => boolean
  /** What writers must wait for, if anything. */
  readonly room: () => Promise<void> | undefined
  readonly clockSkewMaxMs: number
  /** How long a member that is out of reach, and may have been touched meanwhile, is waited for. */
  readonly expiryPatienceMs: number
  /** What a tombstone made now may be forgotten at. */
  readonly purgeAt: (now: number) => number
  readonly onExpired: (session: string, at: number) => void
  readonly onError: (error: unknown) => void
}

export class Expiry {
  readonly #options: ExpiryOptions
  readonly #agenda = new Agenda()
  #startedAt = 0

  constructor(options: ExpiryOptions) {
    this.#options = options
  }

  start(): Cancel {
    const { clock, onError } = this.#options
    this.#startedAt = clock.monotonic()
    return everyInTurn(clock, TICK_MS, () => this.#run(), onError)
  }

  /** To be called whenever what a session says of its end may have changed. */
  note(entry: Entry): void {
    if (entry.expiry !== undefined) this.#agenda.note(entry, entry.expiry.deadline + this.#options.clockSkewMaxMs)
  }

  async #run(): Promise<void> {
    const { clock } = this.#options
    for (let batch = 0; batch < BATCHES_MAX; batch++) {
      const taken = this.#agenda.take(clock.now(), SESSIONS_MAX)
      if (taken.length === 0) return
      const again = new Set(taken.filter((entry) => this.#isWanted(entry)))
      try {
        const until = clock.monotonic() + ANSWER_MS
        for (const entry of await this.#endable([...again])) {
          await this.#options.room()
          // By then the others no longer keep to what they said.
          if (clock.monotonic() > until) break
          if (await this.#end(entry)) again.delete(entry)
        }
      } finally {
        for (const entry of again) this.#lookAgain(entry)
      }
    }
  }

  /** Still held, still to be ended; what was touched since goes back to its new time by itself. */
  #isWanted(entry: Entry): boolean {
    return entry.expiry !== undefined && this.#options.catalog().get(entry.id) === entry
  }

  #lookAgain(entry: Entry): void {
    if (entry.expiry === undefined) return
    const { clock, clockSkewMaxMs } = this.#options
    const due = entry.expiry.deadline + clockSkewMaxMs
    this.#agenda.note(entry, due > clock.now() ? due : clock.now() + AGAIN_MS)
  }

  /** Those that are over by all that this peer and the others know. */
  async #endable(entries: readonly Entry[]): Promise<Entry[]> {
    const { agreement, isHome, catalog } = this.#options
    if (this.#mayMissSomebody() || !isWritable(catalog())) return []
    const due = entries.filter((entry) => isHome(entry) && agreement.agrees(entry))
    if (due.length === 0) return []
    return agreement.ask(this.#others(), due)
  }

  #others(): PeerId[] {
    return this.#options.members().flatMap(({ status, info }) => (status === 'alive' ? [info.peer] : []))
  }

  /** Whether there may be a peer out of reach at which the session was touched. */
  #mayMissSomebody(): boolean {
    const { clock, members, expiryPatienceMs } = this.#options
    const now = clock.monotonic()
    if (now - this.#startedAt < expiryPatienceMs) return true
    return members().some(
      ({ status, lastHeard }) => status === 'suspect' || (status === 'dead' && now - lastHeard < expiryPatienceMs),
    )
  }

  /** Whether it was ended; the document has the last word. */
  async #end(entry: Entry): Promise<boolean> {
    const { clock, catalog, clockSkewMaxMs, purgeAt, onExpired } = this.#options
    const doc = await catalog().acquire(entry)
    try {
      const now = clock.now()
      const record = describeSession(doc)
      const deadline = deadlineOf(record)
      if (isTerminated(doc) || deadline === undefined || deadline + clockSkewMaxMs > now) return false
      // Not before what the session has seen, whatever this clock says.
      const at = Math.max(now, record.touchedAt ?? 0)
      terminateSession(doc, at, { endedBy: 'expiry', purgeAt: purgeAt(at) })
      onExpired(entry.id, now)
      return true
    } finally {
      catalog().release(entry)
    }
  }
}

function isWritable({ journal }: Catalog): boolean {
  try {
    journal.assertWritable()
    return true
  } catch {
    return false
  }
}
