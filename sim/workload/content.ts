// What operations do to a session's document, and how to find it there again: every value carries the tag of its
// operation. A session has a map (`data`), an array (`list`) and a text (`text`).
import * as Y from 'yjs'
import { stateVectorOf } from '../../crdt/index.ts'
import type { Receipt, Session } from '../../node/api.ts'
import type { MeshPeer } from '../../node/peer.ts'
import type { Operation } from '../plan/plan.ts'
import type { Entry } from './history.ts'

/** Texts are made of words: a tag and a blank. */
const BLANK = ' '

/** Does one operation at a peer. `onApplied` is called when the change has been made, before anything is promised. */
export async function perform(
  peer: MeshPeer,
  entry: Entry,
  onApplied: () => void,
  callOwn: (doc: Y.Doc, entry: Entry) => void,
): Promise<Receipt> {
  const { session: id, kind, durability } = entry.operation
  const read = entry.token === undefined ? {} : { after: entry.token }
  if (kind === 'terminate') {
    const terminated = peer.sessions.terminate(id, { durability, ...read })
    entry.isApplied = true
    return terminated
  }
  const mayBeNew = kind === 'create' || kind === 'call'
  const session = mayBeNew ? await peer.sessions.openOrCreate(id, read) : await peer.sessions.open(id, read)
  try {
    if (kind === 'read') return nothingWritten(entry, session, onApplied)
    if (kind === 'touch') return await touch(entry, session, onApplied)
    const receipt = session.transact(
      (doc) => {
        const before = Y.getState(doc.store, doc.clientID)
        if (kind === 'call') callOwn(doc, entry)
        else entry.replaced = change(doc, entry.operation)
        entry.isApplied = true
        entry.after = stateVectorOf(doc)
        const clock = Y.getState(doc.store, doc.clientID)
        entry.wrote = clock > before ? { client: doc.clientID, clock } : undefined
        onApplied()
      },
      { durability },
    )
    return await receipt
  } finally {
    session.close()
  }
}

async function touch(entry: Entry, session: Session, onApplied: () => void): Promise<Receipt> {
  const { durability, session: id } = entry.operation
  const touched = session.touch({ durability })
  entry.isApplied = true
  entry.after = stateVectorOf(session.doc)
  onApplied()
  const token = session.token()
  return (await touched).receipt ?? { session: id, copies: 0, degraded: false, peers: [], token }
}

function nothingWritten(entry: Entry, session: Session, onApplied: () => void): Receipt {
  const { map, others } = tagsOf(session.doc)
  entry.after = stateVectorOf(session.doc)
  entry.seen = new Set([...map.values(), ...others])
  onApplied()
  return { session: entry.operation.session, copies: 0, degraded: false, peers: [], token: session.token() }
}

/** Makes the change; returns the tag of what it replaced or took away. */
export function change(doc: Y.Doc, operation: Operation): string | undefined {
  const { kind, tag, key } = operation
  const [map, list, text] = [doc.getMap<string>('data'), doc.getArray<string>('list'), doc.getText('text')]
  switch (kind) {
    case 'create':
    case 'set': {
      const replaced = map.get(key)
      map.set(key, tag)
      return replaced
    }
    case 'unset': {
      const replaced = map.get(key)
      map.delete(key)
      return replaced
    }
    case 'push':
      list.push([tag])
      return undefined
    case 'pull': {
      const taken = list.length === 0 ? undefined : list.get(0)
      if (taken !== undefined) list.delete(0)
      return taken
    }
    case 'type':
      text.insert(text.length, tag + BLANK)
      return undefined
    case 'erase': {
      const [word] = wordsOf(text)
      if (word !== undefined) text.delete(0, word.length + BLANK.length)
      return word
    }
    default:
      throw new Error(`${kind} changes nothing`)
  }
}

function wordsOf(text: Y.Text): string[] {
  return text.toJSON().split(BLANK).filter(Boolean)
}

/** The tags that a document shows: values of the map, elements of the list, words of the text. */
export function tagsOf(doc: Y.Doc): {
  readonly map: ReadonlyMap<string, string>
  readonly others: ReadonlySet<string>
} {
  const map = new Map(doc.getMap<string>('data').entries())
  return { map, others: new Set([...doc.getArray<string>('list').toArray(), ...wordsOf(doc.getText('text'))]) }
}
