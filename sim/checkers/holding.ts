// A document as something that may hold a write, or lack it.
import * as Y from 'yjs'
import { tagsOf } from '../workload/content.ts'
import type { Entry } from '../workload/history.ts'
import { isTerminated } from './document.ts'

export class Holding {
  readonly doc: Y.Doc
  #shown: ReadonlySet<string> | undefined

  constructor(doc: Y.Doc) {
    this.doc = doc
  }

  /** Every tag that is to be seen. */
  get shown(): ReadonlySet<string> {
    if (this.#shown === undefined) {
      const { map, others } = tagsOf(this.doc)
      this.#shown = new Set([...map.values(), ...others])
    }
    return this.#shown
  }

  /** What it lacks of a write and of what that rests on, completing "the disk …"; empty if nothing. */
  lacks({ operation, wrote, replaced }: Entry): string {
    if (operation.kind === 'terminate') return isTerminated(this.doc) ? '' : 'does not have it terminated'
    const held = wrote === undefined ? 0 : Y.getState(this.doc.store, wrote.client)
    if (wrote !== undefined && held < wrote.clock) return `holds ${held} of ${wrote.clock} of its writer`
    return replaced !== undefined && this.shown.has(replaced) ? `still shows ${replaced}` : ''
  }
}
