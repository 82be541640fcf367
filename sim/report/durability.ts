// On which disks each write is, from the moment it gets there, whatever the peers say of it.
import type { Scene } from '../checkers/checker.ts'
import { Holding } from '../checkers/holding.ts'
import type { Entry } from '../workload/history.ts'
import type { Micros } from '../world/loop.ts'

/** A disk gains a write, or loses it. */
export interface Step {
  readonly at: Micros
  readonly entry: Entry
  readonly machine: string
  readonly gains: boolean
}

interface Disk {
  /** Writes of one session that are not on the disk, and those that are. */
  lacks: Set<Entry>
  readonly holds: Set<Entry>
}

export class DurabilityWatch {
  readonly steps: Step[] = []
  readonly #scene: Scene
  #known = 0
  /** Writes by session. */
  readonly #writes = new Map<string, Entry[]>()
  readonly #disks = new Map<string, Disk>()

  constructor(scene: Scene) {
    this.#scene = scene
    scene.world.listen({
      onSynced: (machine, session) => this.#gained(machine, session),
      onRewritten: (machine, session) => this.#rewritten(machine, session),
    })
  }

  #gained(machine: string, session: string): void {
    this.#meetNew()
    const { lacks, holds } = this.#disk(machine, session)
    if (lacks.size === 0) return
    const doc = this.#scene.shadows.of(machine, session)
    if (doc === undefined) return
    const held = new Holding(doc)
    for (const entry of lacks) {
      if (!isHeld(held, entry)) continue
      lacks.delete(entry)
      holds.add(entry)
      this.#step(entry, machine, true)
    }
  }

  #rewritten(machine: string, session: string): void {
    const { lacks, holds } = this.#disk(machine, session)
    const doc = this.#scene.shadows.of(machine, session)
    const held = doc === undefined ? undefined : new Holding(doc)
    for (const entry of holds) {
      if (held !== undefined && isHeld(held, entry)) continue
      holds.delete(entry)
      lacks.add(entry)
      this.#step(entry, machine, false)
    }
  }

  #step(entry: Entry, machine: string, gains: boolean): void {
    this.steps.push({ at: this.#scene.world.now, entry, machine, gains })
  }

  /** Takes in the writes that clients have begun since. */
  #meetNew(): void {
    const { entries } = this.#scene.history
    for (; this.#known < entries.length; this.#known++) {
      const entry = entries[this.#known]
      if (entry === undefined || entry.operation.kind === 'read') continue
      const { session } = entry.operation
      const writes = this.#writes.get(session) ?? []
      this.#writes.set(session, writes)
      writes.push(entry)
      for (const machine of this.#scene.world.machines.keys())
        this.#disks.get(`${machine} ${session}`)?.lacks.add(entry)
    }
  }

  #disk(machine: string, session: string): Disk {
    const key = `${machine} ${session}`
    const known = this.#disks.get(key)
    if (known !== undefined) return known
    const disk = { lacks: new Set(this.#writes.get(session)), holds: new Set<Entry>() }
    this.#disks.set(key, disk)
    return disk
  }
}

/** Whether there is something to hold: what deletes where there is nothing changes no disk. */
export function isWrite({ operation, isApplied, wrote, replaced }: Entry): boolean {
  if (operation.kind === 'read') return false
  return !isApplied || operation.kind === 'terminate' || wrote !== undefined || replaced !== undefined
}

function isHeld(held: Holding, entry: Entry): boolean {
  return entry.isApplied && held.lacks(entry) === ''
}
