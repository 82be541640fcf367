// Once the deletion of a session is forgotten its id can be used again (docs/LIFE.md). Peers forget one after the other,
// so the new session meets tombstones of the old one: those of peers that were away, or that have just started and forget
// nothing for a while. Merged, they would end it, and take what was acknowledged with it.
//
// That the two are not the same both sides see from the data alone: the one was created later than the other's tombstone
// had to be remembered, and who holds the other has nothing of the writer that created it. The later one stays, whoever
// tells whom.
import * as Y from 'yjs'
import {
  createDocument,
  creatorOf,
  describeSession,
  SESSION_MAP,
  type StateVector,
  type UpdateShape,
} from '../../crdt/index.ts'
import type { Entry } from './entry.ts'

/** `unsure`: what is here has just come, and nobody has looked at it yet. */
export type OtherLife = 'earlier' | 'later' | 'unsure'

/** Which life of the id an update is of, seen from what is here; undefined: the same, as far as can be told. */
export function otherLife(
  { id, createdAt, purgeAt, dirtySince }: Entry,
  clocksOf: () => StateVector,
  { clients, roots }: UpdateShape,
  update: Uint8Array,
): OtherLife | undefined {
  // Nearly everything ends here: only what new writers say of the session itself is looked at any closer.
  if (!roots.includes(SESSION_MAP)) return undefined
  const clocks = clocksOf()
  if (clients.every(({ client }) => clocks.has(client))) return undefined
  const theirs = recordIn(id, update)
  if (theirs.creator === undefined || clocks.has(theirs.creator)) return undefined
  if (isLater(theirs.createdAt, purgeAt)) return 'later'
  if (isLater(createdAt, theirs.purgeAt)) return 'earlier'
  return theirs.purgeAt !== undefined && createdAt === undefined && dirtySince !== undefined ? 'unsure' : undefined
}

function recordIn(id: string, update: Uint8Array) {
  const doc = createDocument(id)
  try {
    Y.applyUpdate(doc, update)
    const { createdAt, purgeAt } = describeSession(doc)
    return { creator: creatorOf(doc), createdAt, purgeAt }
  } finally {
    doc.destroy()
  }
}

function isLater(createdAt: number | undefined, purgeAt: number | undefined): boolean {
  return createdAt !== undefined && purgeAt !== undefined && createdAt > purgeAt
}
