// What a plan in a file must look like: people edit the plans that they keep. The compiler holds these schemas against
// the types of plan.ts and fault.ts, so that neither can forget what the other has.
import { z } from 'zod'
import { durability } from '../../node/config.ts'
import type { Fault, FaultKind } from './fault.ts'
import { OPERATION_KINDS, type Operation, type Plan } from './plan.ts'

const ms = z.number().min(0)
const name = z.string().min(1)
const names = z.array(name)
const groups = z.array(names)
const parts = z.int().min(0).max(1_000_000)
const sudden = { at: ms }
const timed = { at: ms, forMs: ms }

type FaultSchemas = { readonly [Kind in FaultKind]: z.ZodType<Extract<Fault, { kind: Kind }>> }

const faults = {
  partition: z.strictObject({ kind: z.literal('partition'), ...timed, groups }),
  block: z.strictObject({ kind: z.literal('block'), ...timed, from: names, to: names }),
  flap: z.strictObject({ kind: z.literal('flap'), ...timed, groups, everyMs: z.number().min(1) }),
  swizzle: z.strictObject({ kind: z.literal('swizzle'), ...timed, machine: name }),
  clog: z.strictObject({ kind: z.literal('clog'), ...timed, from: name, to: name }),
  degrade: z.strictObject({
    kind: z.literal('degrade'),
    ...timed,
    machines: names,
    latencyMs: ms,
    lossPerMillion: parts,
    duplicatePerMillion: parts,
    bytesPerMs: z.number().min(0),
  }),
  reset: z.strictObject({ kind: z.literal('reset'), ...sudden, between: z.tuple([name, name]) }),
  'cut-requests': z.strictObject({
    kind: z.literal('cut-requests'),
    ...timed,
    between: z.tuple([name, name]),
  }),
  crash: z.strictObject({ kind: z.literal('crash'), ...timed, machines: names, wipe: z.boolean() }),
  restart: z.strictObject({ kind: z.literal('restart'), ...timed, machines: names }),
  freeze: z.strictObject({ kind: z.literal('freeze'), ...timed, machine: name }),
  twin: z.strictObject({ kind: z.literal('twin'), ...timed, machine: name }),
  slow: z.strictObject({ kind: z.literal('slow'), ...timed, machine: name, byMs: ms }),
  join: z.strictObject({ kind: z.literal('join'), ...sudden, machine: name }),
  leave: z.strictObject({ kind: z.literal('leave'), ...sudden, machine: name }),
  'slow-disk': z.strictObject({ kind: z.literal('slow-disk'), ...timed, machine: name, factor: z.number().min(1) }),
  'full-disk': z.strictObject({ kind: z.literal('full-disk'), ...timed, machine: name }),
  'read-errors': z.strictObject({ kind: z.literal('read-errors'), ...timed, machine: name }),
  rot: z.strictObject({ kind: z.literal('rot'), ...sudden, machine: name }),
  snapshot: z.strictObject({ kind: z.literal('snapshot'), ...sudden, machine: name }),
  restore: z.strictObject({ kind: z.literal('restore'), ...sudden, machine: name, back: z.int().min(0) }),
  drain: z.strictObject({ kind: z.literal('drain'), ...timed, machine: name }),
  'hand-over': z.strictObject({ kind: z.literal('hand-over'), ...timed, from: name, to: name }),
  'clock-jump': z.strictObject({ kind: z.literal('clock-jump'), ...sudden, machine: name, byMs: z.number() }),
  'clock-drift': z.strictObject({
    kind: z.literal('clock-drift'),
    ...sudden,
    machine: name,
    partsPerMillion: z.int().min(-999_999),
  }),
} satisfies FaultSchemas

const fault = z.discriminatedUnion('kind', Object.values(faults) as [typeof faults.partition, ...never[]], {
  error: `expected a fault of kind ${Object.keys(faults).join(', ')}`,
}) as z.ZodType<Fault>

const operation: z.ZodType<Operation> = z.strictObject({
  at: ms,
  tag: name,
  client: name,
  session: name,
  kind: z.enum([...OPERATION_KINDS, 'call']),
  key: z.string(),
  durability,
})

export const planSchema: z.ZodType<Plan> = z
  .strictObject({
    name: z.string(),
    seed: z.string(),
    machines: z.array(z.strictObject({ name, zone: z.string(), weight: z.int().min(0) })).min(1),
    network: z.strictObject({
      latencyMinMs: ms,
      latencyMeanMs: ms,
      lossPerMillion: parts,
      duplicatePerMillion: parts,
      bytesPerMs: z.number().min(0),
    }),
    disk: z.strictObject({ syncMeanMs: ms, readMeanMs: ms }),
    peer: z.strictObject({
      shardCount: z.int().min(1).max(512),
      replicationFactor: z.union([z.literal('all'), z.int().min(1)]),
      hydratedSessionsMax: z.int().min(0),
      gossip: z.boolean(),
      life: z.strictObject({ ttlMs: ms, retentionMs: ms }).optional(),
    }),
    faults: z.array(fault),
    clients: z.array(z.strictObject({ name, machine: name, roams: z.boolean().optional() })),
    operations: z.array(operation),
    chaosMs: ms,
    settleMs: ms,
    core: names.min(1),
  })
  .superRefine((plan, context) => {
    const machines = new Set(plan.machines.map(({ name }) => name))
    const strangers = (path: (string | number)[], mentioned: readonly string[]) => {
      for (const stranger of mentioned.filter((name) => !machines.has(name))) {
        context.addIssue({ code: 'custom', path, message: `there is no machine ${stranger}` })
      }
    }
    strangers(['core'], plan.core)
    for (const [index, { machine }] of plan.clients.entries()) strangers(['clients', index], [machine])
    for (const [index, fault] of plan.faults.entries()) strangers(['faults', index], machinesOf(fault))
    const clients = new Set(plan.clients.map(({ name }) => name))
    for (const [index, { client }] of plan.operations.entries()) {
      if (clients.has(client)) continue
      context.addIssue({ code: 'custom', path: ['operations', index], message: `there is no client ${client}` })
    }
  })

/** Every machine that a fault names. */
function machinesOf(fault: Fault): readonly string[] {
  if ('machine' in fault) return [fault.machine]
  if ('machines' in fault) return fault.machines
  if ('groups' in fault) return fault.groups.flat()
  if ('between' in fault) return fault.between
  return [fault.from, fault.to].flat()
}
