// What a swarm adds up, seed by seed in their order, so that the sum is the same however many workers there were.
import type { Violation } from '../checkers/checker.ts'
import type { Outcome } from './outcome.ts'

export interface Failure extends Violation {
  readonly seed: number
  readonly traceHash: string
}

export interface Slow {
  readonly seed: number
  readonly convergedMs: number
}

export interface Totals {
  readonly seeds: number
  readonly ok: number
  readonly violated: number
  readonly vacuous: number
  /** The first violation of each seed that had one. */
  readonly violations: readonly Failure[]
  readonly simulatedMs: number
  readonly events: number
  readonly operations: Outcome['operations']
  /** Faults that began, by kind. */
  readonly faults: Readonly<Record<string, number>>
  /** In how many seeds each situation came about; 0 for those that never did. */
  readonly facts: Readonly<Record<string, number>>
  /** How long cores took to become equal, and the seeds in which they took longest. */
  readonly convergedMs: { readonly p50: number; readonly p90: number; readonly p99: number; readonly max: number }
  readonly slowest: readonly Slow[]
  /** Over the trace hashes of all seeds. */
  readonly traceHash: string
}

const SLOWEST_SHOWN = 3

export class Tally {
  readonly #verdicts = { ok: 0, violated: 0, vacuous: 0 }
  readonly #violations: Failure[] = []
  readonly #operations = { acked: 0, unknown: 0, refused: 0, skipped: 0 }
  readonly #faults = new Map<string, number>()
  readonly #facts = new Map<string, number>()
  readonly #converged: Slow[] = []
  #seeds = 0
  #simulatedMs = 0
  #events = 0
  #hash = 0x811c9dc5

  add(outcome: Outcome): void {
    const { seed, verdict, violations, traceHash, convergedMs } = outcome
    this.#seeds++
    this.#verdicts[verdict]++
    const [first] = violations
    if (first !== undefined) this.#violations.push({ seed, ...first, traceHash })
    this.#simulatedMs += outcome.simulatedMs
    this.#events += outcome.eventCount
    for (const name of ['acked', 'unknown', 'refused', 'skipped'] as const) {
      this.#operations[name] += outcome.operations[name]
    }
    for (const [kind, count] of Object.entries(outcome.faults)) addTo(this.#faults, kind, count)
    for (const [fact, count] of Object.entries(outcome.facts)) addTo(this.#facts, fact, count > 0 ? 1 : 0)
    if (convergedMs !== undefined) this.#converged.push({ seed, convergedMs })
    for (const character of traceHash) this.#hash = Math.imul(this.#hash ^ character.charCodeAt(0), 0x01000193)
  }

  get failures(): number {
    return this.#violations.length
  }

  totals(): Totals {
    const converged = this.#converged.toSorted((one, other) => one.convergedMs - other.convergedMs)
    const quantile = (share: number) => converged[Math.ceil(share * converged.length) - 1]?.convergedMs ?? 0
    return {
      seeds: this.#seeds,
      ...this.#verdicts,
      violations: this.#violations,
      simulatedMs: this.#simulatedMs,
      events: this.#events,
      operations: this.#operations,
      faults: sorted(this.#faults),
      facts: sorted(this.#facts),
      convergedMs: { p50: quantile(0.5), p90: quantile(0.9), p99: quantile(0.99), max: quantile(1) },
      slowest: converged.slice(-SLOWEST_SHOWN).toReversed(),
      traceHash: (this.#hash >>> 0).toString(16).padStart(8, '0'),
    }
  }
}

function addTo(counts: Map<string, number>, key: string, count: number): void {
  counts.set(key, (counts.get(key) ?? 0) + count)
}

/** Most frequent first. */
function sorted(counts: ReadonlyMap<string, number>): Record<string, number> {
  return Object.fromEntries([...counts].toSorted(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)))
}
