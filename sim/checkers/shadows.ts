// What is on each machine's disk, as documents: built from synced records alone, by Yjs itself, with nothing of the
// peer's own reading in between. Kept up to date record by record, because checkers ask at every acknowledgement.
import * as Y from 'yjs'
import type { StoredSession } from '../../node/ports/store.ts'
import type { WorldListener } from '../world/world.ts'
import type { EndWorld } from './end-scene.ts'
import { fingerprint } from './document.ts'

interface Shadow {
  readonly doc: Y.Doc
  /** Sequence of the last record that is in it. */
  sequence: number
  /** Of the document as it is; undefined when it has grown since. */
  digest: string | undefined
}

/** Where disks are, and who tells when something on them has changed. */
export interface Disks extends EndWorld {
  listen(listener: WorldListener): void
}

export class Shadows {
  readonly #world: EndWorld
  readonly #shadows = new Map<string, Shadow>()
  /** Those on which something was synced since they were looked at. */
  readonly #grown = new Set<string>()

  constructor(world: Disks) {
    this.#world = world
    world.listen({
      onSynced: (machine, session) => void this.#grown.add(keyOf(machine, session)),
      onRewritten: (machine, session) => void this.#shadows.delete(keyOf(machine, session)),
    })
  }

  /**
   * The session as a process would find it on the machine's disk; undefined if nothing is there, or nothing but what
   * rests on something that was lost.
   */
  of(machine: string, session: string): Y.Doc | undefined {
    const doc = this.#shadow(machine, session)?.doc
    return doc === undefined || doc.store.clients.size === 0 ? undefined : doc
  }

  /** Its digest in hexadecimal digits. */
  digest(machine: string, session: string): string | undefined {
    const shadow = this.#shadow(machine, session)
    if (shadow === undefined || shadow.doc.store.clients.size === 0) return undefined
    shadow.digest ??= fingerprint(shadow.doc)
    return shadow.digest
  }

  #shadow(machine: string, session: string): Shadow | undefined {
    const key = keyOf(machine, session)
    const known = this.#shadows.get(key)
    if (known !== undefined && !this.#grown.delete(key)) return known
    const stored = this.#world.machine(machine).disk.stored(session)
    if (stored === undefined) return undefined
    const shadow = known ?? begin(stored)
    this.#shadows.set(key, shadow)
    for (const { sequence, update } of stored.tail) {
      if (sequence <= shadow.sequence) continue
      Y.applyUpdate(shadow.doc, update)
      shadow.sequence = sequence
      shadow.digest = undefined
    }
    return shadow
  }
}

/** What a process that starts now would make of a stored session. */
export function recovered(stored: StoredSession): Y.Doc {
  const { doc } = begin(stored)
  for (const { update } of stored.tail) Y.applyUpdate(doc, update)
  return doc
}

/** Whether the document waits for something that it rests on. */
export function hasPending(doc: Y.Doc): boolean {
  return doc.store.pendingStructs !== null || doc.store.pendingDs !== null
}

function begin({ base }: StoredSession): Shadow {
  const doc = new Y.Doc({ guid: 'shadow' })
  if (base !== undefined) Y.applyUpdate(doc, base.update)
  return { doc, sequence: base?.throughSequence ?? -1, digest: undefined }
}

function keyOf(machine: string, session: string): string {
  return `${machine} ${session}`
}
