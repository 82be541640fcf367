// A plan's faults of the network as a timetable of closed links, for whoever closes real ones.
import type { Fault } from '../plan/fault.ts'
import type { Millis, Plan } from '../plan/plan.ts'
import { pairs, severed, type Link } from './links.ts'

/** From then on these links are closed, and all others open. */
export interface Blockade {
  readonly at: Millis
  readonly links: readonly Link[]
}

interface Span {
  readonly from: Millis
  readonly to: Millis
  readonly links: readonly Link[]
}

/**
 * Every change of what is closed, in order of time; all is open before the first.
 * @throws Error for a fault that is not one of closed links
 */
export function blockades({ machines, faults, chaosMs }: Plan): Blockade[] {
  const all = machines.map(({ name }) => name)
  const spans = faults
    .flatMap((fault) => spansOf(fault, all))
    .map((span) => ({ ...span, to: Math.min(span.to, chaosMs) }))
  const times = [...new Set(spans.flatMap(({ from, to }) => [from, to]))].toSorted((one, other) => one - other)
  return times.map((at) => {
    const closed = spans.filter(({ from, to }) => from <= at && at < to).flatMap(({ links }) => links)
    return { at, links: [...new Map(closed.map((link) => [link.join('>'), link])).values()] }
  })
}

function spansOf(fault: Fault, all: readonly string[]): Span[] {
  switch (fault.kind) {
    case 'partition':
      return [{ from: fault.at, to: fault.at + fault.forMs, links: severed(all, fault.groups) }]
    case 'block':
      return [{ from: fault.at, to: fault.at + fault.forMs, links: pairs(fault.from, fault.to) }]
    case 'flap': {
      const { at, forMs, everyMs } = fault
      const turns = Math.ceil(forMs / (2 * everyMs))
      return Array.from({ length: turns }, (_, turn) => {
        const from = at + 2 * turn * everyMs
        return { from, to: Math.min(from + everyMs, at + forMs), links: severed(all, fault.groups) }
      })
    }
    default:
      throw new Error(`${fault.kind} is not a fault of closed links`)
  }
}
