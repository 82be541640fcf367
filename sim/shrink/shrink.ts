// From a plan that fails to the smallest that fails alike: the same checker must be the first to fire. Faults are taken
// away first, then operations, then machines, and what is left is made plainer; again, until nothing helps. One run
// after the other and no chance in it, so the same plan always shrinks to the same.
import type { Violation } from '../checkers/checker.ts'
import type { Plan } from '../plan/plan.ts'
import type { RunResult } from '../run/run.ts'
import { ddmin } from './ddmin.ts'
import { simplerPlans } from './simplify.ts'
import { withoutMachine } from './without-machine.ts'

export interface ShrinkOptions {
  /** Runs a plan to its first violation. */
  readonly run: (plan: Plan) => Promise<RunResult>
  /** Says when to leave it at what has been found. @default never */
  readonly isEnough?: () => boolean
  readonly onProgress?: (progress: ShrinkProgress) => void
}

export interface ShrinkProgress {
  readonly runs: number
  readonly plan: Plan
}

export interface Shrunk {
  readonly result: RunResult
  readonly violation: Violation
  readonly runs: number
}

/** Undefined if the plan does not fail. */
export async function shrink(plan: Plan, options: ShrinkOptions): Promise<Shrunk | undefined> {
  const result = await options.run(plan)
  const [violation] = result.violations
  if (violation === undefined) return undefined
  const shrinker = new Shrinker({ result, violation, runs: 1 }, options)
  return await shrinker.shrink()
}

class Shrinker {
  readonly #options: ShrinkOptions
  #smallest: Shrunk
  #runs = 1

  constructor(first: Shrunk, options: ShrinkOptions) {
    this.#smallest = first
    this.#options = options
  }

  async shrink(): Promise<Shrunk> {
    await this.#cutOff()
    let before = ''
    while (before !== this.#written && !this.#isEnough) {
      before = this.#written
      await ddmin(this.#plan.faults, (faults) => this.#fails({ ...this.#plan, faults }))
      await ddmin(this.#plan.operations, (operations) => this.#fails({ ...this.#plan, operations }))
      await this.#dropMachines()
      await this.#simplify()
    }
    return { ...this.#smallest, runs: this.#runs }
  }

  get #plan(): Plan {
    return this.#smallest.result.plan
  }

  get #written(): string {
    return JSON.stringify(this.#plan)
  }

  get #isEnough(): boolean {
    return this.#options.isEnough?.() ?? false
  }

  /** What was to happen after the violation can't have caused it. */
  async #cutOff(): Promise<void> {
    const endMs = this.#smallest.violation.at / 1_000
    const isBefore = ({ at }: { readonly at: number }) => at <= endMs
    const { faults, operations } = this.#plan
    await this.#fails({ ...this.#plan, faults: faults.filter(isBefore), operations: operations.filter(isBefore) })
  }

  async #dropMachines(): Promise<void> {
    for (const { name } of this.#plan.machines.toReversed()) {
      const smaller = withoutMachine(this.#plan, name)
      if (smaller !== undefined) await this.#fails(smaller)
    }
    const { clients, operations } = this.#plan
    const busy = clients.filter(({ name }) => operations.some(({ client }) => client === name))
    if (busy.length < clients.length) await this.#fails({ ...this.#plan, clients: busy })
  }

  /** Takes simpler plans for as long as there is one that still fails. */
  async #simplify(): Promise<void> {
    for (let found = true; found && !this.#isEnough;) {
      found = false
      for (const simpler of simplerPlans(this.#plan)) {
        found = await this.#fails(simpler)
        if (found) break
      }
    }
  }

  /** Whether a plan fails alike; it is the smallest so far then. */
  async #fails(plan: Plan): Promise<boolean> {
    if (this.#isEnough) return false
    this.#runs++
    const result = await this.#options.run(plan)
    const [violation] = result.violations
    const isAlike = violation !== undefined && violation.checker === this.#smallest.violation.checker
    if (isAlike) this.#smallest = { result, violation, runs: this.#runs }
    this.#options.onProgress?.({ runs: this.#runs, plan: this.#plan })
    return isAlike
  }
}
