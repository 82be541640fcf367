// Amounts with units, as scenarios and flags have them.
import { expect, test } from 'vitest'
import { formatDuration, parseDuration, parseRate, parseShare } from '../../../sim/plan/units.ts'

test.each([
  ['500ms', 500],
  ['0.5s', 500],
  ['5s', 5_000],
  ['2m', 120_000],
  ['1h', 3_600_000],
  ['-2s', -2_000],
  ['5', undefined],
  ['5 s', undefined],
  ['s', undefined],
  ['5d', undefined],
])('duration %s', (text, ms) => expect(parseDuration(text)).toBe(ms))

test.each([
  ['0%', 0],
  ['0.5%', 5_000],
  ['100%', 1_000_000],
  ['101%', undefined],
  ['-1%', undefined],
  ['0.1', undefined],
])('share %s', (text, partsPerMillion) => expect(parseShare(text)).toBe(partsPerMillion))

test.each([
  ['500kB/s', 500],
  ['1MB/s', 1_000],
  ['10B/s', 1],
  ['1MB', undefined],
])('rate %s', (text, bytesPerMs) => expect(parseRate(text)).toBe(bytesPerMs))

test.each([0, 1, 999, 1_000, 1_500, 60_000, 90_000, 3_600_000])('%d ms are written and read', (ms) =>
  expect(parseDuration(formatDuration(ms))).toBe(ms),
)
