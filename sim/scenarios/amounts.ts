// What is written in scenarios again and again: times, shares, rates and machines. Each says what it expected.
import { z } from 'zod'
import {
  DURATION_EXPECTED,
  parseDuration,
  parseRate,
  parseShare,
  RATE_EXPECTED,
  SHARE_EXPECTED,
} from '../plan/units.ts'
import { MILLION } from '../world/dice.ts'

/** A text with a unit, or a number that `fromNumber` takes as it is meant. */
function amount(
  expected: string,
  fromText: (text: string) => number | undefined,
  fromNumber: (value: number) => number | undefined,
) {
  return z.union([z.string(), z.number()], { error: expected }).transform((given, context) => {
    const value = typeof given === 'string' ? fromText(given) : fromNumber(given)
    if (value !== undefined) return value
    context.issues.push({ code: 'custom', message: expected, input: given })
    return z.NEVER
  })
}

/** Milliseconds, backwards too. */
export const shift = amount(DURATION_EXPECTED, parseDuration, (ms) => ms)

/** Milliseconds. */
export const duration = shift.refine((ms) => ms >= 0, DURATION_EXPECTED)

/** Parts per million, written in percent or as a fraction of 1. */
export const share = amount(SHARE_EXPECTED, parseShare, (fraction) =>
  fraction >= 0 && fraction <= 1 ? Math.round(fraction * MILLION) : undefined,
)

/** Bytes a millisecond. */
export const rate = amount(RATE_EXPECTED, parseRate, (bytesPerMs) => (bytesPerMs > 0 ? bytesPerMs : undefined))

const MACHINES_EXPECTED =
  'expected machines: names such as a or [a, c], or all, half, majority, minority, first, last, rest, each, any, or "zone NAME"'

/** Names of machines, or words for some of them (see select.ts). */
export const machines = z.union([z.string().min(1), z.array(z.string().min(1)).min(1)], { error: MACHINES_EXPECTED })
