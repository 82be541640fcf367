// The fault menu of sim/plan/fault.ts as people write it: amounts with units, words for machines, and repetitions.
import { z } from 'zod'
import { duration, machines, rate, share, shift } from './amounts.ts'

const GROUPINGS = ['halves', 'majority', 'apart', 'bridge', 'ring', 'zones'] as const

/** Who can reach whom: a word, or lists of machines that do. */
const groups = z.union([z.enum(GROUPINGS), z.array(machines).min(1)], {
  error: `expected ${GROUPINGS.join(', ')}, or lists of machines such as [[a, b], [c, d]]`,
})

const repeat = z.strictObject({
  every: duration.refine((ms) => ms > 0, 'expected more than nothing'),
  /** @default until the duration is over */
  times: z.int().min(1).optional(),
})

/** Begins at a time, once or again and again. */
const sudden = { at: duration, repeat: repeat.optional() }
/** And ends by itself. */
const timed = { ...sudden, for: duration }

const faults = [
  z.strictObject({ kind: z.literal('partition'), ...timed, groups }),
  z.strictObject({
    kind: z.literal('flap'),
    ...timed,
    groups,
    every: duration.refine((ms) => ms > 0, 'expected more than nothing'),
  }),
  z.strictObject({ kind: z.literal('block'), ...timed, from: machines, to: machines }),
  z.strictObject({ kind: z.literal('swizzle'), ...timed, machines }),
  z.strictObject({ kind: z.literal('clog'), ...timed, from: machines, to: machines }),
  z.strictObject({
    kind: z.literal('degrade'),
    ...timed,
    machines: machines.default('all'),
    latency: duration.default(1),
    loss: share.default(0),
    duplicate: share.default(0),
    bandwidth: rate.optional(),
  }),
  z.strictObject({ kind: z.literal('reset'), ...sudden, from: machines, to: machines }),
  z.strictObject({ kind: z.literal('cut-requests'), ...timed, from: machines, to: machines }),
  z.strictObject({ kind: z.literal('crash'), ...timed, machines, wipe: z.boolean().default(false) }),
  z.strictObject({ kind: z.literal('restart'), ...timed, machines }),
  z.strictObject({ kind: z.literal('freeze'), ...timed, machines }),
  z.strictObject({ kind: z.literal('twin'), ...timed, machines }),
  z.strictObject({ kind: z.literal('slow'), ...timed, machines, by: duration }),
  z.strictObject({ kind: z.literal('join'), ...sudden, machines }),
  z.strictObject({ kind: z.literal('leave'), ...sudden, machines }),
  z.strictObject({ kind: z.literal('slow-disk'), ...timed, machines, factor: z.int().min(2).max(10_000) }),
  z.strictObject({ kind: z.literal('full-disk'), ...timed, machines }),
  z.strictObject({ kind: z.literal('read-errors'), ...timed, machines }),
  z.strictObject({ kind: z.literal('rot'), ...sudden, machines }),
  z.strictObject({ kind: z.literal('snapshot'), ...sudden, machines }),
  z.strictObject({ kind: z.literal('restore'), ...sudden, machines, back: z.int().min(0).default(0) }),
  z.strictObject({ kind: z.literal('drain'), ...timed, machines }),
  z.strictObject({ kind: z.literal('hand-over'), ...timed, from: machines, to: machines }),
  z.strictObject({ kind: z.literal('clock-jump'), ...sudden, machines, by: shift }),
  z.strictObject({
    kind: z.literal('clock-drift'),
    ...sudden,
    machines,
    partsPerMillion: z.int().min(-500_000).max(500_000),
  }),
] as const

export const SCENARIO_FAULT_KINDS: readonly string[] = faults.map(({ shape }) => shape.kind.value)

export const scenarioFault = z.discriminatedUnion('kind', faults, {
  error: `expected a fault with a kind: ${SCENARIO_FAULT_KINDS.join(', ')}`,
})

export type ReadFault = z.output<typeof scenarioFault>
export type Groups = z.output<typeof groups>
