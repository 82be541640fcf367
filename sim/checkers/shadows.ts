// What is on each machine's disk, as documents: built from synced records alone, by Yjs itself, with nothing of the
// peer's own reading in between. Kept up to date record by record, because checkers ask at every acknowledgement.
import * as Y from 'yjs'
import type { World } from '../world/world.ts'

interface Shadow {
  doc: Y.Doc
  /** Sequence of the last record that is in it. */
  sequence: number
}

export class Shadows {
  readonly #world: World
  readonly #shadows = new Map<string, Shadow>()

  constructor(world: World) {
    this.#world = world
    world.listen({ onRewritten: (machine, session) => void this.#shadows.delete(`${machine} ${session}`) })
  }

  /** The session as a process would find it on the machine's disk; undefined if nothing is there. */
  of(machine: string, session: string): Y.Doc | undefined {
    const stored = this.#world.machine(machine).disk.stored(session)
    if (stored === undefined) return undefined
    const key = `${machine} ${session}`
    let shadow = this.#shadows.get(key)
    if (shadow === undefined) {
      shadow = { doc: new Y.Doc({ guid: session }), sequence: stored.base?.throughSequence ?? 0 }
      if (stored.base !== undefined) Y.applyUpdate(shadow.doc, stored.base.update)
      this.#shadows.set(key, shadow)
    }
    for (const { sequence, update } of stored.tail) {
      if (sequence <= shadow.sequence) continue
      Y.applyUpdate(shadow.doc, update)
      shadow.sequence = sequence
    }
    return shadow.doc
  }
}
