// Periodic snapshots: an increment, or now and then a base, of what changed; then the retention policy. One that fails
// is reported and tried again at the next turn: its changes are still counted as changed.
import type { Cancel, Clock } from '../ports/clock.ts'
import { delay, everyInTurn } from '../util/timers.ts'
import type { Snapshots } from './snapshots.ts'
import type { Views } from './views.ts'

export interface ScheduleOptions {
  readonly snapshots: Snapshots
  readonly views: Views
  readonly clock: Clock
  readonly intervalMs: number
  readonly onError: (error: unknown) => void
}

export function scheduleSnapshots({ snapshots, views, clock, intervalMs, onError }: ScheduleOptions): Cancel {
  const turn = async () => {
    if (views.idle) return
    const { id } = await snapshots.create({ kind: 'auto' })
    await snapshots.persist(id)
    await snapshots.prune()
    await views.foldOld(() => delay(clock, 0))
  }
  return everyInTurn(clock, intervalMs, turn, onError)
}
