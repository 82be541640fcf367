// What is wrong with a machine, or with anything, and when it last was: bounds in time are owed only by what is well.
import type { Fault } from '../plan/fault.ts'
import { MS, SECOND, type Micros } from '../world/loop.ts'
import type { Machine } from '../world/machine.ts'
import type { Scene, Watcher } from './checker.ts'

/** A trouble shorter than a tick may be overlooked between two of them; it ends at most so long after. */
const GRAIN: Micros = 200 * MS

/** Remembers when each machine was last frozen, slow, stopping, on a bad disk or on a clock that runs wrong. */
export class Troubles implements Watcher {
  readonly #scene: Scene
  readonly #last = new Map<string, Micros>()

  constructor(scene: Scene) {
    this.#scene = scene
  }

  onEvent({ kind, machine }: { readonly kind: string; readonly machine: string }): void {
    if (kind === 'stop' || kind === 'freeze' || kind === 'thaw') this.#last.set(machine, this.#scene.world.now)
  }

  onTick(): void {
    for (const machine of this.#scene.world.machines.values()) {
      if (isTroubled(machine)) this.#last.set(machine.name, this.#scene.world.now)
    }
  }

  /** Whether the machine has been well since then. */
  isWell(machine: string, since: Micros): boolean {
    return (this.#last.get(machine) ?? -Infinity) + GRAIN < since
  }
}

function isTroubled({ isFrozen, slowness, disk, drift }: Machine): boolean {
  return isFrozen || slowness > 0 || disk.isSlow || disk.isFull || disk.failsReads || drift.partsPerMillion !== 0
}

/** What a fault leaves behind (connections to be made again, phi that has seen long silences) may last so long. */
const AFTERMATH: Micros = 5 * SECOND

/** Whether no fault of the plan, but `except`, has an effect between these times. */
export function isCalm({ plan }: Scene, from: Micros, to: Micros, except: (fault: Fault) => boolean): boolean {
  return plan.faults.every((fault) => {
    if (except(fault)) return true
    const start = fault.at * MS
    if (start > to) return true
    // Clocks that have jumped or drift stay so.
    if (fault.kind === 'clock-drift') return false
    return start + ('forMs' in fault ? fault.forMs * MS : 0) + AFTERMATH < from
  })
}
