// A trace for reading: one line an event, in its machine's column a mark for what happened.
//
//     12.345678  · · A ·   c  ack      s3   t17 acked (2)
//
// The eye finds a machine by its column and a kind by its mark; docs/SIMULATOR.md has the legend.
import type { Plan } from '../plan/plan.ts'
import type { EventKind, TraceEvent } from '../world/trace.ts'

export const MARKS: Readonly<Record<EventKind, string>> = {
  start: '+',
  crash: 'X',
  freeze: 'z',
  thaw: 'Z',
  stop: '-',
  fault: '!',
  block: '/',
  open: '_',
  connect: 'c',
  disconnect: 'd',
  gossip: 'g',
  lost: '?',
  heard: 'h',
  request: 'q',
  response: 'r',
  synced: 's',
  disk: 'D',
  invoke: '>',
  ack: 'A',
  member: 'm',
  home: 'H',
  handover: 'O',
  expired: 'E',
  aside: 'B',
  snapshot: 'S',
  restore: 'R',
  log: 'l',
  phase: '=',
  violation: 'V',
}
const OTHER_END = 'o'
const NOTHING = '·'
/** What happens all the time and says little. */
const ROUTINE = new Set<EventKind>(['gossip', 'heard', 'lost', 'request', 'response'])

/** Which events are shown. `undefined`: all but the routine of gossip and requests. */
export type Shown = 'all' | readonly EventKind[] | undefined

export function* columns(plan: Plan, events: readonly TraceEvent[], shown: Shown): Generator<string> {
  const column = new Map(plan.machines.map(({ name }, index) => [name, index]))
  const width = Math.max(...plan.machines.map(({ name }) => name.length))
  for (const event of events) {
    if (!isShown(event, shown)) continue
    const cells = plan.machines.map(() => NOTHING)
    // What is about the whole world marks every column.
    if (event.machine === '') cells.fill(MARKS[event.kind])
    mark(cells, column.get(event.subject), OTHER_END)
    mark(cells, column.get(event.machine), MARKS[event.kind])
    const at = (event.at / 1_000_000).toFixed(6).padStart(11)
    const number = event.number === 0 ? '' : `(${event.number})`
    const text = [event.kind.padEnd(10), event.subject, event.detail, number].filter((part) => part !== '').join(' ')
    yield `${at}  ${cells.join(' ')}  ${event.machine.padEnd(width)}  ${text}`.trimEnd()
  }
}

function isShown({ kind, subject }: TraceEvent, shown: Shown): boolean {
  if (shown === 'all') return true
  if (shown !== undefined) return shown.includes(kind)
  return kind === 'log' ? subject === 'warn' || subject === 'error' : !ROUTINE.has(kind)
}

function mark(cells: string[], column: number | undefined, text: string): void {
  if (column !== undefined) cells[column] = text
}
