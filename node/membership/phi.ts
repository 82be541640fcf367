// Phi-accrual failure detection (Hayashibara et al., "The phi accrual failure detector", SRDS 2004): silence is
// judged against the intervals seen before, so a slow or jittery link is given the time it has shown to need.

/** Intervals remembered: about half a minute of heartbeats. */
const WINDOW = 64
/** Deviation never taken for smaller than this share of the mean: a calm loopback must not make us nervous. */
const DEVIATION_SHARE_MIN = 0.2

export class PhiEstimator {
  readonly #intervalsMs: number[] = []
  readonly #expectedMs: number
  /** Kept, because silence is judged many times between two heartbeats. */
  #estimate: { readonly mean: number; readonly deviation: number }

  /** @param expectedMs the configured heartbeat interval: what is assumed before anything was seen */
  constructor(expectedMs: number) {
    this.#expectedMs = expectedMs
    this.#estimate = this.#estimated()
  }

  record(intervalMs: number): void {
    this.#intervalsMs.push(intervalMs)
    if (this.#intervalsMs.length > WINDOW) this.#intervalsMs.shift()
    this.#estimate = this.#estimated()
  }

  /** Whether phi is that high; `phi` should be more than what a beat that is just due has. */
  isBeyond(silentMs: number, phi: number): boolean {
    return silentMs > this.#estimate.mean && this.phi(silentMs) >= phi
  }

  /** -log10 of the chance that a heartbeat still comes after `silentMs` of silence. */
  phi(silentMs: number): number {
    const { mean, deviation } = this.#estimate
    const y = (silentMs - mean) / deviation
    // Logistic approximation of the normal tail (as in Akka's detector): exact enough, and never underflows to NaN.
    const e = Math.exp(-y * (1.5976 + 0.070566 * y * y))
    const tail = silentMs > mean ? e / (1 + e) : 1 - 1 / (1 + e)
    return tail <= 0 ? Number.MAX_VALUE : -Math.log10(tail)
  }

  #estimated(): { mean: number; deviation: number } {
    const values = this.#intervalsMs
    // Extra heartbeats (answers to pings, announcements) make short intervals: they must not shorten our patience.
    const mean = Math.max(this.#expectedMs, sum(values) / Math.max(1, values.length))
    const variance = sum(values.map((value) => Math.max(0, value - mean) ** 2)) / Math.max(1, values.length)
    return { mean, deviation: Math.max(Math.sqrt(variance), mean * DEVIATION_SHARE_MIN) }
  }
}

function sum(values: readonly number[]): number {
  let total = 0
  for (const value of values) total += value
  return total
}
