// From what was seen to numbers: how much gossip is lost, how late it comes and how often twice, told apart by what the
// network between publisher and hearer went through at that time.
import type { Plan } from '../plan/plan.ts'
import { SECOND, type Micros } from '../world/loop.ts'
import { micros } from '../world/process.ts'
import type { Published, Seen, Started } from './observe.ts'

/**
 * What a message met. `calm`: nothing near in time. `cut`: published while the way was blocked. `healed`: soon after it
 * was opened. `frozen`: published while the hearer was frozen. `fresh`: soon after one of the two processes had started.
 * `shaken`: soon after a freeze or a reset.
 */
export const SITUATIONS = ['calm', 'cut', 'healed', 'frozen', 'fresh', 'shaken'] as const
export type Situation = (typeof SITUATIONS)[number]

export interface Distribution {
  /** Messages times those who should hear them. */
  readonly expected: number
  /** Share that was never heard, per mille. */
  readonly lostPermille: number
  /** Deliveries beyond the first, per mille of those that came. */
  readonly doubledPermille: number
  /** From publishing to hearing, of those that came. */
  readonly delayMs: Quantiles
}

export interface Quantiles {
  readonly p50: number
  readonly p90: number
  readonly p99: number
  readonly max: number
}

export interface Measured {
  readonly gossip: Readonly<Record<Situation, Distribution>>
  /** From the start of a process until it first hears another, over all such pairs. */
  readonly firstHeardMs: Quantiles
}

interface Span {
  readonly from: Micros
  readonly to: Micros
}

/** How long after something ended its mark may be seen: reconnecting takes seconds. */
const AFTER: Micros = 10 * SECOND
/** Who goes down within so long of a message's publishing need not hear it. */
const ON_ITS_WAY: Micros = 1 * SECOND

export interface SeenRun {
  readonly plan: Plan
  readonly seen: Seen
}

export function measure(runs: readonly SeenRun[]): Measured {
  const tallies = Object.fromEntries(SITUATIONS.map((situation) => [situation, new Tally()])) as Record<
    Situation,
    Tally
  >
  const firstHeard: Micros[] = []
  for (const { plan, seen } of runs) {
    const weather = new Weather(plan, seen)
    const heardAt = indexHeard(seen)
    for (const message of seen.published) {
      for (const { name } of plan.machines) {
        const situation = weather.between(message, name)
        if (situation !== undefined)
          tallies[situation].add(message.at, heardAt.get(keyOf(message, message.machine, name)))
      }
    }
    firstHeard.push(...gaps(plan, seen))
  }
  const gossip = Object.fromEntries(SITUATIONS.map((name) => [name, tallies[name].distribution()]))
  return { gossip: gossip as Record<Situation, Distribution>, firstHeardMs: quantiles(firstHeard) }
}

class Tally {
  readonly #delays: Micros[] = []
  #expected = 0
  #extra = 0

  add(at: Micros, heard: readonly Micros[] = []): void {
    this.#expected++
    const [first, ...others] = heard
    if (first === undefined) return
    this.#delays.push(first - at)
    this.#extra += others.length
  }

  distribution(): Distribution {
    const came = this.#delays.length
    return {
      expected: this.#expected,
      lostPermille: permille(this.#expected - came, this.#expected),
      doubledPermille: permille(this.#extra, came),
      delayMs: quantiles(this.#delays),
    }
  }
}

/** What the plan did to whom, and when. */
class Weather {
  readonly #plan: Plan
  readonly #started: readonly Started[]

  constructor(plan: Plan, { started }: Seen) {
    this.#plan = plan
    this.#started = started
  }

  /** What a message meets on its way to `to`; undefined if it is not owed there. */
  between({ at, machine: from }: Published, to: string): Situation | undefined {
    if (from === to || !this.#isUp(to, at)) return undefined
    const cuts = this.#cuts(from, to)
    if (cuts.some((span) => span.from <= at && at < span.to)) return 'cut'
    // Cut, stopped or frozen while it is on its way: the message may meet either fate.
    const soon = [...cuts, ...this.#downs(from), ...this.#downs(to), ...this.#freezes(from), ...this.#freezes(to)]
    if (soon.some((span) => at < span.from && span.from < at + ON_ITS_WAY)) return undefined
    if (this.#freezes(to).some((span) => span.from <= at && at < span.to)) return 'frozen'
    const isNear = (span: Span) => span.from <= at && at < span.to + AFTER
    if (cuts.some(isNear)) return 'healed'
    if (this.#isFresh(from, at) || this.#isFresh(to, at)) return 'fresh'
    if ([...this.#freezes(from), ...this.#freezes(to), ...this.#resets(from, to)].some(isNear)) return 'shaken'
    return 'calm'
  }

  #isUp(machine: string, at: Micros): boolean {
    const isStarted = this.#started.some((start) => start.machine === machine && start.at <= at)
    return isStarted && !this.#downs(machine).some((span) => span.from <= at && at < span.to)
  }

  #isFresh(machine: string, at: Micros): boolean {
    return this.#started.some((start) => start.machine === machine && start.at <= at && at < start.at + AFTER)
  }

  #cuts(from: string, to: string): Span[] {
    return this.#plan.faults.flatMap((fault) => {
      if (fault.kind === 'block') {
        const isBetween = (one: string, other: string) => fault.from.includes(one) && fault.to.includes(other)
        return isBetween(from, to) || isBetween(to, from) ? [span(fault)] : []
      }
      if (fault.kind !== 'partition') return []
      const isTogether = fault.groups.some((group) => group.includes(from) && group.includes(to))
      return isTogether ? [] : [span(fault)]
    })
  }

  /** Until it is up again, which takes longer than the fault. */
  #downs(machine: string): Span[] {
    return this.#plan.faults.flatMap((fault) => {
      if ((fault.kind !== 'crash' && fault.kind !== 'restart') || !fault.machines.includes(machine)) return []
      const { from, to } = span(fault)
      const again = this.#started.find((start) => start.machine === machine && start.at >= to)
      return [{ from, to: again?.at ?? Infinity }]
    })
  }

  #freezes(machine: string): Span[] {
    return this.#plan.faults.flatMap((fault) =>
      fault.kind === 'freeze' && fault.machine === machine ? [span(fault)] : [],
    )
  }

  #resets(one: string, other: string): Span[] {
    return this.#plan.faults.flatMap((fault) => {
      if (fault.kind !== 'reset' || !fault.between.includes(one) || !fault.between.includes(other)) return []
      return [{ from: micros(fault.at), to: micros(fault.at) }]
    })
  }
}

function span({ at, forMs }: { readonly at: number; readonly forMs: number }): Span {
  return { from: micros(at), to: micros(at + forMs) }
}

function keyOf({ topic, id }: { topic: string; id: number }, from: string, by: string): string {
  return `${from} ${by} ${topic} ${id}`
}

function indexHeard({ heard }: Seen): Map<string, Micros[]> {
  const byKey = new Map<string, Micros[]>()
  for (const one of heard) {
    const key = keyOf(one, one.from, one.machine)
    const times = byKey.get(key)
    if (times === undefined) byKey.set(key, [one.at])
    else times.push(one.at)
  }
  return byKey
}

/** For each process and each other machine: how long until the first message of that one came. */
function gaps(plan: Plan, { started, heard }: Seen): Micros[] {
  return started.flatMap(({ machine, at }) =>
    plan.machines.flatMap(({ name }) => {
      const first = heard.find((one) => one.machine === machine && one.from === name && one.at >= at)
      return first === undefined ? [] : [first.at - at]
    }),
  )
}

function permille(part: number, whole: number): number {
  return whole === 0 ? 0 : Math.round((1_000 * part) / whole)
}

function quantiles(times: readonly Micros[]): Quantiles {
  const sorted = times.toSorted((one, other) => one - other)
  const at = (share: number) =>
    Math.round((sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0) / 100) / 10
  return { p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1) }
}
