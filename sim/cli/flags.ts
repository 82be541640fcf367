// Flags that several verbs share, and how their texts are read. A wrong one is told what was expected.
import { InvalidArgumentError, type Command } from 'commander'
import { DURATION_EXPECTED, parseDuration } from '../plan/units.ts'
import type { Overrides } from '../scenarios/source.ts'

/** Seeds are whole numbers, so that a range of them means something. */
const SEED_MAX = Number.MAX_SAFE_INTEGER

export interface Range {
  readonly from: number
  readonly to: number
}

export function wholeNumber(text: string): number {
  const value = Number(text)
  if (!/^\d+$/.test(text) || value < 1 || value > SEED_MAX)
    throw new InvalidArgumentError('expected a whole number from 1')
  return value
}

export function seed(text: string): number {
  if (!/^\d+$/.test(text) || Number(text) > SEED_MAX) throw new InvalidArgumentError('expected a whole number from 0')
  return Number(text)
}

export function duration(text: string): number {
  const value = parseDuration(text)
  if (value === undefined || value <= 0) throw new InvalidArgumentError(DURATION_EXPECTED)
  return value
}

/** `FROM..TO`, or one seed. */
export function seeds(text: string): Range {
  const [from = NaN, to = from] = /^\d+(\.\.\d+)?$/.test(text) ? text.split('..').map(Number) : []
  if (!(from <= to && to <= SEED_MAX)) {
    throw new InvalidArgumentError('expected FROM..TO such as 1..1000, or one seed')
  }
  return { from, to }
}

/** What changes the size of a run. */
export function withOverrides(command: Command): Command {
  return command
    .option('--peers <n>', 'how many peers', wholeNumber)
    .option('--sessions <n>', 'how many sessions', wholeNumber)
    .option('--duration <time>', 'how long faults and writes go on, in virtual time: 30s, 5m', duration)
}

export interface OverrideFlags {
  readonly peers?: number
  readonly sessions?: number
  readonly duration?: number
}

export function overridesOf({ peers, sessions, duration }: OverrideFlags): Overrides {
  return { peers, sessions, durationMs: duration }
}

/** The same again as flags, for a command that replays. */
export function overrideFlags({ peers, sessions, durationMs }: Overrides): string[] {
  return [
    ...(peers === undefined ? [] : ['--peers', String(peers)]),
    ...(sessions === undefined ? [] : ['--sessions', String(sessions)]),
    ...(durationMs === undefined ? [] : ['--duration', `${durationMs}ms`]),
  ]
}
