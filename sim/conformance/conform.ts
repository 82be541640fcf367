// Runs plans over the real libp2p (tier B), each in a process of its own, and over the model (tier A), both watched.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { extname } from 'node:path'
import { text } from 'node:stream/consumers'
import type { Plan } from '../plan/plan.ts'
import { inMacrotask } from '../run/in-macrotask.ts'
import { modelTier } from '../run/model-tier.ts'
import { run, type RunResult } from '../run/run.ts'
import type { Tier } from '../world/tier.ts'
import { Observations, type Seen } from './observe.ts'

export interface ConformanceRun extends Omit<RunResult, 'events'> {
  readonly wallMs: number
  /** Errors that the transport reported. */
  readonly complaints: readonly string[]
  readonly seen: Seen
}

/** Real libp2p and gossipsub over simulated TCP. Same plan and version, same trace hash. */
export async function runReal(plan: Plan): Promise<ConformanceRun> {
  const child = spawn(process.execPath, ['--import', beside('preload'), beside('child')], {
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  child.stdin.end(JSON.stringify(plan))
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  if (child.exitCode !== 0) throw new Error(`the conformance run of ${plan.name} failed (${child.exitCode}):\n${err}`)
  return JSON.parse(out) as ConformanceRun
}

/** The same plan over the model, watched in the same way. */
export async function runModel(plan: Plan): Promise<{ readonly result: RunResult; readonly seen: Seen }> {
  const seen = new Observations()
  const watched: Tier = {
    ...modelTier,
    async attach(seed, wiring) {
      const { transport, endpoint } = await modelTier.attach(seed, wiring)
      return { transport: seen.watch(transport, wiring), endpoint }
    },
  }
  const result = await inMacrotask(() => run(plan, {}, watched))
  return { result, seen }
}

function beside(name: string): string {
  return new URL(`./${name}${extname(import.meta.filename)}`, import.meta.url).pathname
}
