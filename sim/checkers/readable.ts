// The session as the core serves it at the end of a run.
import type * as Y from 'yjs'
import { isTerminated } from '../../crdt/index.ts'
import type { Scene } from './checker.ts'

/** The document on the first machine of the core that holds it; undefined if none does. */
export function readable({ plan, world, shadows }: Scene, session: string): Y.Doc | 'terminated' | undefined {
  for (const name of plan.core) {
    if (world.machine(name).peer === undefined) continue
    const doc = shadows.of(name, session)
    if (doc !== undefined) return isTerminated(doc) ? 'terminated' : doc
  }
  return undefined
}
