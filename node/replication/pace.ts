// How fast a replica takes in what it is sent, by what it acknowledges. On a slow link everything waits in one queue, the
// heartbeats, too: so no more may be on the way than the link takes within less than the time in which silence is judged.
// The rule is that of a window that follows the delivery rate (as in BBR: Cardwell et al., ACM Queue 14(5), 2016), with
// acknowledgements of frames for those of segments; it doubles with each round as long as acknowledgements come sooner.

/** No more is on the way than what was acknowledged within this time … */
const WITHIN_MS = 500
/** … or this: what any link is trusted with. */
const IN_FLIGHT_MIN = 32 * 1024

interface Acknowledged {
  readonly at: number
  readonly bytes: number
}

export class Pace {
  #inFlight = 0
  /** Within the last WITHIN_MS. */
  readonly #recent: Acknowledged[] = []
  #recentBytes = 0

  sent(bytes: number): void {
    this.#inFlight += bytes
  }

  /** @param now monotonic ms */
  acknowledged(bytes: number, now: number): void {
    this.#inFlight -= bytes
    if (bytes === 0) return
    this.#recent.push({ at: now, bytes })
    this.#recentBytes += bytes
    this.#forget(now)
  }

  /** Nobody will acknowledge it. */
  writtenOff(bytes: number): void {
    this.#inFlight -= bytes
  }

  /** @param now monotonic ms */
  isExceeded(now: number): boolean {
    if (this.#inFlight <= IN_FLIGHT_MIN) return false
    this.#forget(now)
    return this.#inFlight > this.#recentBytes
  }

  #forget(now: number): void {
    const first = this.#recent.findIndex(({ at }) => now - at <= WITHIN_MS)
    const old = this.#recent.splice(0, first < 0 ? this.#recent.length : first)
    for (const { bytes } of old) this.#recentBytes -= bytes
  }
}
