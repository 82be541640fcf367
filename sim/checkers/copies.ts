// On which disks of the whole world an acknowledged write is, and which copies faults have taken. What the peers
// themselves may let go of, and when, is judged from this.
import type { StoredSession } from '../../node/ports/store.ts'
import type { Entry, History } from '../workload/history.ts'
import type { RewriteCause } from '../world/disk.ts'
import type { EndDisk } from './end-scene.ts'
import { Holding } from './holding.ts'
import { recovered, type Disks, type Shadows } from './shadows.ts'

export class Copies {
  readonly #world: Disks
  readonly #history: History
  readonly #shadows: Shadows
  /** Machines by whose disks a fault destroyed or damaged a copy of the write. */
  readonly #harmed = new Map<Entry, Set<string>>()

  constructor(world: Disks, history: History, shadows: Shadows) {
    this.#world = world
    this.#history = history
    this.#shadows = shadows
    world.listen({ onRewritten: (...rewritten) => this.#rewritten(...rewritten) })
  }

  /** Machines on one of whose disks the write is, with all it depends on. */
  holders(entry: Entry): string[] {
    return [...this.#world.machines.values()]
      .filter(({ name, hiddenDisks }) => {
        return this.lack(name, entry) === '' || [...hiddenDisks].some((disk) => isOn(disk, entry))
      })
      .map(({ name }) => name)
  }

  /** What the machine's disk lacks of the write, completing "whose disk …"; empty if nothing. */
  lack(machine: string, entry: Entry): string {
    const { session } = entry.operation
    const doc = this.#shadows.of(machine, session)
    return doc === undefined ? `does not hold ${session}` : new Holding(doc).lacks(entry)
  }

  /** How many copies of the write faults have taken. */
  harmed(entry: Entry): number {
    return this.#harmed.get(entry)?.size ?? 0
  }

  #rewritten(machine: string, session: string, cause: RewriteCause, before: StoredSession | undefined): void {
    if (before === undefined || (cause !== 'wiped' && cause !== 'rotten')) return
    const holding = new Holding(recovered(before))
    for (const entry of this.#history.entries) {
      if (entry.operation.session !== session || !entry.isApplied || holding.lacks(entry) !== '') continue
      const harmed = this.#harmed.get(entry) ?? new Set()
      this.#harmed.set(entry, harmed)
      harmed.add(machine)
    }
  }
}

function isOn(disk: Pick<EndDisk, 'stored'>, entry: Entry): boolean {
  const stored = disk.stored(entry.operation.session)
  return stored !== undefined && new Holding(recovered(stored)).lacks(entry) === ''
}

/** How many of the disks that the receipt names could promise anything then: not so one that had lost something already. */
export function promised({ copies }: Entry): number {
  return copies.filter(({ generation }) => generation !== undefined).length
}
