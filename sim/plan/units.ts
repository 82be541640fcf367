// Amounts as people write them: `5s`, `10%`, `1MB/s`. Programs may give the plain number instead.
import { MILLION } from '../world/dice.ts'
import type { Millis } from './plan.ts'

const MS_OF: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }
const BYTES_OF: Readonly<Record<string, number>> = { B: 1, kB: 1_000, MB: 1_000_000 }

export const DURATION_EXPECTED = 'expected a duration such as 500ms, 5s, 2m or 1h'
export const SHARE_EXPECTED = 'expected a share such as 0%, 0.5% or 30%'
export const RATE_EXPECTED = 'expected a rate such as 500kB/s or 1MB/s'

/** Milliseconds; undefined if the text is no duration. A negative one is for clocks that are put back. */
export function parseDuration(text: string): Millis | undefined {
  const [, number, unit = ''] = /^(-?\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text) ?? []
  return number === undefined ? undefined : Number(number) * (MS_OF[unit] ?? 1)
}

/** Parts per million; undefined if the text is no share of a whole. */
export function parseShare(text: string): number | undefined {
  const [, number] = /^(\d+(?:\.\d+)?)%$/.exec(text) ?? []
  const share = Math.round((Number(number) / 100) * MILLION)
  return number === undefined || share > MILLION ? undefined : share
}

/** Bytes a millisecond, at least 1; undefined if the text is no rate. */
export function parseRate(text: string): number | undefined {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?)(B|kB|MB)\/s$/.exec(text) ?? []
  return number === undefined ? undefined : Math.max(1, Math.round((Number(number) * (BYTES_OF[unit] ?? 1)) / 1_000))
}

/** The shortest way to write so many milliseconds. */
export function formatDuration(ms: Millis): string {
  const unit = ['h', 'm', 's'].find((name) => ms !== 0 && ms % (MS_OF[name] ?? 1) === 0) ?? (ms >= 1_000 ? 's' : 'ms')
  return `${Number((ms / (MS_OF[unit] ?? 1)).toFixed(3))}${unit}`
}
