// Going from event to event: phases, faults and violations in their order.
import type { Facts } from './data.ts'
import type { View } from './view.ts'

/** Something that one can go to. */
export interface Stop {
  readonly at: number
  readonly until: number
  readonly kind: string
  readonly text: string
  readonly isViolation: boolean
}

/** What is shown around an event, unless less was shown before. */
const SPAN_MAX = 4_000_000

export function stopsOf({ phases, faults, violations }: Facts): Stop[] {
  const all = [
    ...phases.map(({ at, name }) => ({ at, until: at, kind: 'phase', text: name, isViolation: false })),
    ...faults.map(({ at, until, kind, text }) => ({ at, until, kind, text, isViolation: false })),
    ...violations.map(({ at, checker, message }) => ({
      at,
      until: at,
      kind: checker,
      text: message,
      isViolation: true,
    })),
  ]
  return all.toSorted((one, other) => one.at - other.at)
}

/** Steps through `stops` from where one is; `arrived` is told of each. */
export function stepper(view: View, stops: readonly Stop[], arrived: (stop: Stop) => void): (by: 1 | -1) => void {
  let current = -1
  return (by) => {
    const { at = -1 } = stops[current] ?? {}
    // Near the ends of the run an event can't be in the middle: what counts is whether it is in sight.
    const isThere = at >= view.from && at <= view.to
    const middle = (view.from + view.to) / 2
    const nearest =
      by > 0 ? stops.findIndex((stop) => stop.at > middle) : stops.findLastIndex((stop) => stop.at < middle)
    const index = isThere ? current + by : nearest
    const next = stops[index]
    if (next === undefined) return
    current = index
    const half = Math.min(view.span, SPAN_MAX) / 2
    view.show(next.at - half, next.at + half)
    arrived(next)
  }
}
