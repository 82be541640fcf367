// One conformance run, in a process of its own: gossipsub counts its messages in a module, and the globals are taken.
// Reads a plan from stdin, writes what came of it to stdout.
import { text } from 'node:stream/consumers'
import type { Plan } from '../plan/plan.ts'
import { inMacrotask } from '../run/in-macrotask.ts'
import { run } from '../run/run.ts'
import type { ConformanceRun } from './conform.ts'
import { realMonotonic } from './globals.ts'
import { Observations } from './observe.ts'
import { realTier } from './real-tier.ts'

const plan = JSON.parse(await text(process.stdin)) as Plan
const observations = new Observations()
const complaints: string[] = []
const tier = realTier({
  watch: (transport, wiring) => observations.watch(transport, wiring),
  onError: (machine, message, fields) => complaints.push(`${machine}: ${message} ${describe(fields)}`),
})
const start = realMonotonic()
const { events: _events, ...result } = await inMacrotask(() => run(plan, {}, tier))
const wallMs = Math.round(realMonotonic() - start)
const { published, heard, started } = observations
const came: ConformanceRun = { ...result, wallMs, complaints, seen: { published, heard, started } }
process.stdout.write(JSON.stringify(came))

function describe(fields: object): string {
  const { error } = fields as { readonly error?: unknown }
  return error instanceof Error ? (error.stack ?? error.message) : JSON.stringify(fields)
}
