// Which sessions are due, without looking at the others: a queue by time. A session that is touched again and again is
// not moved each time; when its old time comes it is put back at the new one. So a touch costs nothing here.
import TinyQueue from 'tinyqueue'
import type { Entry } from '../sessions/entry.ts'

interface Appointment {
  /** ms since the epoch. */
  readonly at: number
  readonly entry: Entry
}

export class Agenda {
  readonly #queue = new TinyQueue<Appointment>([], (one, other) => one.at - other.at)
  /** The earliest appointment of each session; others in the queue no longer count. */
  readonly #earliest = new Map<Entry, number>()

  /** Sessions that are waited for. */
  get size(): number {
    return this.#earliest.size
  }

  /** Looks at the session at `at`, or before. */
  note(entry: Entry, at: number): void {
    if ((this.#earliest.get(entry) ?? Infinity) <= at) return
    this.#earliest.set(entry, at)
    this.#queue.push({ at, entry })
  }

  /** Takes out up to `max` sessions whose time has come, the earliest first. */
  take(now: number, max: number): Entry[] {
    const due: Entry[] = []
    for (let next = this.#queue.peek(); next !== undefined && next.at <= now && due.length < max;) {
      this.#queue.pop()
      if (this.#earliest.get(next.entry) === next.at) {
        this.#earliest.delete(next.entry)
        due.push(next.entry)
      }
      next = this.#queue.peek()
    }
    return due
  }
}
