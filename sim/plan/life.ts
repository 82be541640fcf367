// Margins of peers whose sessions live for seconds, and what a plan may do to such a mesh without asking for more than is
// promised: an end that comes early in a longer partition, or comes undone after one, is no fault of theirs.
import type { Fault } from './fault.ts'
import type { Millis, PlannedLife } from './plan.ts'

export const CLOCK_SKEW_MAX_MS: Millis = 200
/** Longer than any ttl that is drawn: who was there when a peer went away has been idle for that long then. */
export const EXPIRY_PATIENCE_MS: Millis = 6_000
/** Long enough for whoever returns in the middle of a fault to reach the others after it, dials that were lost included. */
export const RETURN_PATIENCE_MS: Millis = 5_000
/** How long a fault may last that peers run through. */
const LASTING_MAX_MS: Millis = 2_000
const JUMP_MAX_MS: Millis = 80
const DRIFT_MAX_PER_MILLION = 500

/** Take what a disk has promised, or make two of one machine. */
const OUT_OF_QUESTION: ReadonlySet<Fault['kind']> = new Set(['rot', 'twin'])
/** Hold messages and writes up for longer than deletions are remembered, where that is seconds. */
const TOO_SLOW: ReadonlySet<Fault['kind']> = new Set(['degrade', 'full-disk', 'read-errors', 'slow-disk', 'slow'])

/** The faults as a mesh of short-lived sessions must bear them. Crashes and restarts may last as long as they like. */
export function bearable(faults: readonly Fault[], { ttlMs, retentionMs }: PlannedLife): Fault[] {
  let jumps = 0
  return faults.flatMap((fault): Fault[] => {
    if (OUT_OF_QUESTION.has(fault.kind) || (retentionMs > 0 && TOO_SLOW.has(fault.kind))) return []
    switch (fault.kind) {
      case 'clock-jump':
        return jumps++ > 0 ? [] : [{ ...fault, byMs: Math.sign(fault.byMs) * JUMP_MAX_MS }]
      case 'clock-drift':
        return Math.abs(fault.partsPerMillion) > DRIFT_MAX_PER_MILLION ? [] : [fault]
      case 'crash':
        return [ttlMs === 0 ? fault : { ...fault, wipe: false }]
      case 'restart':
        return [fault]
      default:
        return ['forMs' in fault ? { ...fault, forMs: Math.min(fault.forMs, LASTING_MAX_MS) } : fault]
    }
  })
}
