// What is on its way out: a peer does without a session from the moment it orders its removal, the disk a sync later.
import type { RewriteCause } from '../world/disk.ts'
import type { TraceEvent } from '../world/trace.ts'

export class Going {
  readonly #orders = new Map<string, Set<string>>()

  has(machine: string, session: string): boolean {
    return this.#orders.get(machine)?.has(session) ?? false
  }

  onEvent({ kind, machine }: TraceEvent): void {
    // What was not on the disk yet is an order that nobody knows of any more.
    if (kind === 'start') this.#orders.delete(machine)
  }

  onRemoving(machine: string, session: string): void {
    const orders = this.#orders.get(machine) ?? new Set()
    this.#orders.set(machine, orders.add(session))
  }

  onRewritten(machine: string, session: string, cause: RewriteCause): void {
    if (cause === 'removed') this.#orders.get(machine)?.delete(session)
  }
}
