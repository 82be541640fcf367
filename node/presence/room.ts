// Who is present in one session: users of this peer, and those that other peers tell of. An entry belongs to the peer that
// told of it last, and goes when that peer does. Nothing of it is ever on disk.
import type { PeerId } from '../../transport/port.ts'
import type { PresenceEntry } from './awareness.ts'

/** Users of one session that are remembered, of all peers. */
const ENTRIES_MAX = 1_000

export interface Held extends PresenceEntry {
  /** Undefined: this peer. */
  readonly owner: PeerId | undefined
  /** Monotonic ms, when it was last told. */
  readonly at: number
}

export class PresenceRoom {
  readonly #entries = new Map<number, Held>()

  /** Takes in what `owner` tells; returns what of it is news. */
  take(entries: readonly PresenceEntry[], owner: PeerId | undefined, now: number): PresenceEntry[] {
    return entries.filter((entry) => {
      const known = this.#entries.get(entry.id)
      if (known === undefined && (entry.state === undefined || this.#entries.size >= ENTRIES_MAX)) return false
      const isEqual = known?.clock === entry.clock && known.state === entry.state
      // The same by another peer: its user has moved.
      const hasMoved = isEqual && entry.state !== undefined && known.owner !== owner
      const isNews = hasMoved || (!isEqual && supersedes(entry, known))
      if (isNews || isEqual) this.#entries.set(entry.id, { ...entry, owner, at: now })
      return isNews
    })
  }

  /** Those present at this peer. */
  own(): PresenceEntry[] {
    return [...this.#entries.values()].filter(({ owner, state }) => owner === undefined && state !== undefined)
  }

  /** All who are present anywhere. */
  present(): PresenceEntry[] {
    return [...this.#entries.values()].filter(({ state }) => state !== undefined)
  }

  /** Forgets those of whom `isGone` says so; returns those that were present, as gone. */
  drop(isGone: (held: Held) => boolean): PresenceEntry[] {
    const gone: PresenceEntry[] = []
    for (const [id, held] of this.#entries) {
      if (!isGone(held)) continue
      const { clock, state } = held
      // Its clock too: whoever was there may come back by another peer, with the same.
      this.#entries.delete(id)
      if (state !== undefined) gone.push({ id, clock, state: undefined })
    }
    return gone
  }
}

/** As y-protocols has it: of equal clocks it is the end that counts. */
function supersedes(entry: PresenceEntry, known: PresenceEntry | undefined): boolean {
  if (known === undefined || entry.clock > known.clock) return true
  return entry.clock === known.clock && entry.state === undefined && known.state !== undefined
}
