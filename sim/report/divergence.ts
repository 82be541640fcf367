// How far the disks of a run are apart, by comparing each with the union of all: what has ever been synced and not been
// lost since. Looked at from outside, with nothing that the peers say of themselves.
import * as Y from 'yjs'
import { digestOf, toHex } from '../../crdt/index.ts'
import type { Shadows } from '../checkers/shadows.ts'
import type { World } from '../world/world.ts'

interface Union {
  doc: Y.Doc
  digest: string
  /** Digest of what each machine holds of it. */
  readonly held: Map<string, string>
}

export interface Divergence {
  /** By machine: sessions of which it holds something, but not all. */
  readonly differing: ReadonlyMap<string, number>
  /** Sessions that differ on any running machine. */
  readonly divergent: number
  /** Sessions that fewer running machines than asked for hold whole. */
  readonly underReplicated: number
  /** Sessions that no running machine holds whole: their latest state can't be served. */
  readonly orphaned: number
}

export class DivergenceWatch {
  readonly #world: World
  readonly #shadows: Shadows
  readonly #factor: number
  readonly #unions = new Map<string, Union>()
  /** Machines whose copy of the session has grown since the last look. */
  readonly #grown = new Map<string, Set<string>>()
  /** Sessions of which something may be gone. */
  readonly #shrunk = new Set<string>()

  /** @param factor copies that a session should have, as far as there are machines */
  constructor(world: World, shadows: Shadows, factor: number) {
    this.#world = world
    this.#shadows = shadows
    this.#factor = factor
    world.listen({
      onSynced: (machine, session) => {
        const grown = this.#grown.get(session) ?? new Set()
        this.#grown.set(session, grown)
        grown.add(machine)
      },
      onRewritten: (_machine, session) => void this.#shrunk.add(session),
    })
  }

  look(): Divergence {
    this.#update()
    const running = [...this.#world.machines.values()].filter(({ isRunning }) => isRunning).map(({ name }) => name)
    const wanted = Math.min(this.#factor, running.length)
    const differing = new Map(running.map((name) => [name, 0]))
    const total = { divergent: 0, underReplicated: 0, orphaned: 0 }
    for (const { digest, held } of this.#unions.values()) {
      let whole = 0
      let isDivergent = false
      for (const machine of running) {
        const own = held.get(machine)
        if (own === digest) whole++
        else if (own !== undefined) {
          isDivergent = true
          differing.set(machine, (differing.get(machine) ?? 0) + 1)
        }
      }
      if (isDivergent) total.divergent++
      if (whole < wanted) total.underReplicated++
      if (whole === 0) total.orphaned++
    }
    return { differing, ...total }
  }

  #update(): void {
    for (const session of this.#shrunk) {
      this.#unions.delete(session)
      this.#grown.set(session, new Set(this.#world.machines.keys()))
    }
    this.#shrunk.clear()
    for (const [session, machines] of this.#grown) this.#merge(session, machines)
    this.#grown.clear()
  }

  #merge(session: string, machines: ReadonlySet<string>): void {
    const union = this.#unions.get(session) ?? {
      doc: new Y.Doc({ guid: 'union' }),
      digest: '',
      held: new Map<string, string>(),
    }
    for (const machine of machines) {
      const doc = this.#shadows.of(machine, session)
      const digest = this.#shadows.digest(machine, session)
      if (doc === undefined || digest === undefined) continue
      Y.applyUpdate(union.doc, Y.encodeStateAsUpdate(doc, Y.encodeStateVector(union.doc)))
      union.held.set(machine, digest)
    }
    union.digest = toHex(digestOf(union.doc))
    if (union.held.size > 0) this.#unions.set(session, union)
  }
}
