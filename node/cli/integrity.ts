// `sessionmesh integrity`: a check that may take minutes, so a bar shows how far the peer is.
import type { SyncProgress } from '../api.ts'
import { createShow } from '../demo/show.ts'
import { systemClock } from '../ports/clock.ts'
import { delay } from '../util/timers.ts'
import type { AdminClient } from './client.ts'

const LOOK_INTERVAL_MS = 200

/** The peer's report. @param quiet no bar */
export async function validateIntegrity(client: AdminClient, quiet: boolean): Promise<unknown> {
  let isDone = false
  const report = client.call('POST', '/v1/integrity').finally(() => {
    isDone = true
  })
  const bar = createBar(quiet)
  const look = async () => {
    while (!isDone) {
      const { progress } = (await client.get('/v1/integrity')) as { progress: SyncProgress | null }
      if (progress !== null) bar.show(progress)
      await delay(systemClock, LOOK_INTERVAL_MS)
    }
  }
  // The report says what went wrong, if anything did.
  await Promise.all([report, look().catch(() => {})]).finally(() => bar.stop())
  return report
}

function createBar(quiet: boolean): { show(progress: SyncProgress): void; stop(): void } {
  let bar: ReturnType<ReturnType<typeof createShow>['bar']> | undefined
  let shown = 0
  return {
    show({ done, total }) {
      bar ??= createShow(quiet).bar('sessions checked', total)
      bar.tick(done - shown)
      shown = done
    },
    stop: () => bar?.done(),
  }
}
