// Times as people give them.
import { SessionMeshError } from '../../crdt/errors.ts'

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** Milliseconds since the epoch. @throws INVALID_ARGUMENT */
export function parseTime(text: string, now: number): number {
  if (/^\d{10,}$/.test(text)) return Number(text)
  const ago = durationOf(text)
  if (ago !== undefined) return now - ago
  const at = Date.parse(text)
  if (!Number.isNaN(at)) return at
  const message = `${text}: expected a time such as 2026-08-01T12:00:00Z, or so long ago: 90s, 5m, 2h`
  throw new SessionMeshError('INVALID_ARGUMENT', message)
}

/** Milliseconds since the epoch, of a time to come. @throws INVALID_ARGUMENT */
export function parseFuture(text: string, now: number): number {
  const ahead = durationOf(text)
  return ahead === undefined ? parseTime(text, now) : now + ahead
}

/** Milliseconds. @throws INVALID_ARGUMENT */
export function parseDuration(text: string): number {
  const ms = /^\d+$/.test(text) ? Number(text) : durationOf(text)
  if (ms !== undefined) return ms
  throw new SessionMeshError('INVALID_ARGUMENT', `${text}: expected a duration such as 500ms, 90s, 30m, 2h or 7d`)
}

function durationOf(text: string): number | undefined {
  const [, count, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text) ?? []
  return count === undefined || unit === undefined ? undefined : Number(count) * (UNIT_MS[unit] ?? 0)
}
