// Whether a running peer is well, check by check: what `health --detailed` and the probes answer.
import type { HealthCheck } from './api.ts'

/** Replication lag at which a peer calls itself unhealthy: the runbook's failover promise. */
const LAG_UNHEALTHY_MS = 5_000

export interface Vitals {
  readonly upMs: number
  /** Why nothing can be written, if so. */
  readonly trouble: string | undefined
  /** What was found when the store was opened. */
  readonly damage: readonly string[]
  /** Why nothing is shown yet, if so. */
  readonly returning: string | undefined
  readonly liveCount: number
  readonly lagMs: number
}

export function checkHealth({ upMs, trouble, damage, returning, liveCount, lagMs }: Vitals): HealthCheck {
  const found = damage.length > 0 ? `; damage found at the start: ${damage.join('; ')}` : ''
  const checks = [
    { name: 'running', ok: true, detail: `up for ${Math.round(upMs)} ms` },
    { name: 'store', ok: trouble === undefined, detail: trouble ?? `appends reach the disk${found}` },
    ...(returning === undefined ? [] : [{ name: 'returning', ok: false, detail: returning }]),
    { name: 'members', ok: true, detail: `${liveCount} other live peer${liveCount === 1 ? '' : 's'}` },
    { name: 'replication', ok: lagMs < LAG_UNHEALTHY_MS, detail: `lag ${Math.round(lagMs)} ms` },
  ]
  return { healthy: checks.every(({ ok }) => ok), checks }
}
