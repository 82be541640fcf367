// Going back to a past state by a new change: what was written since stays in the history, and whoever writes at the
// same time is merged with, as with any change. Only user content goes back; the session's own record stays.
//
// Types are told by their structure, as in json.ts, and on copies: asking a live document for a type of the wrong kind
// would fix that kind for all its users.
import * as Y from 'yjs'
import { createDocument, SESSION_MAP } from './document.ts'

type AnyType = Y.AbstractType<Y.YEvent<Y.AbstractType<unknown>>>
type Kind = 'empty' | 'map' | 'text' | 'list' | 'fragment'

/** Gives `doc` the content of `past`, in one change of its own. Whether there was anything to change. */
export function revertDocument(doc: Y.Doc, past: Y.Doc): boolean {
  const update = revertUpdate(doc, past)
  if (update === undefined) return false
  doc.transact((transaction) => {
    Y.applyUpdate(doc, update)
    // It is ours, though it came as an update: Yjs would take writing under its own client id for somebody else's, and
    // draw a new id for itself.
    transaction.local = true
  })
  return true
}

/** The update that gives `current` the content of `past`, continuing what `current.clientID` has written. */
function revertUpdate(current: Y.Doc, past: Y.Doc): Uint8Array | undefined {
  const copy = createDocument(current.guid)
  Y.applyUpdate(copy, Y.encodeStateAsUpdate(current))
  copy.clientID = current.clientID
  // A copy too: reading it gives its types their kinds.
  const goal = createDocument(past.guid)
  Y.applyUpdate(goal, Y.encodeStateAsUpdate(past))
  let update: Uint8Array | undefined
  copy.on('update', (bytes: Uint8Array) => {
    update = bytes
  })
  copy.transact((transaction) => {
    for (const name of new Set([...copy.share.keys(), ...goal.share.keys()])) {
      if (name !== SESSION_MAP) revertShared(copy, goal, name, transaction)
    }
  })
  copy.destroy()
  goal.destroy()
  return update
}

function revertShared(copy: Y.Doc, goal: Y.Doc, name: string, transaction: Y.Transaction): void {
  const wanted = kindOf(goal.share.get(name))
  const own = copy.share.get(name)
  const kind = kindOf(own)
  if (own !== undefined && kind !== 'empty' && kind !== wanted) clear(own, transaction)
  switch (wanted) {
    case 'empty':
      return
    case 'map':
      return revertMap(copy.getMap(name), goal.getMap(name))
    case 'text':
      return revertText(copy.getText(name), goal.getText(name))
    case 'list':
      return revertList(copy.getArray(name), goal.getArray(name))
    case 'fragment':
      return revertFragment(copy.getXmlFragment(name), goal.getXmlFragment(name))
  }
}

function kindOf(type: AnyType | undefined): Kind {
  if (type === undefined) return 'empty'
  for (const item of type._map.values()) if (!item.deleted) return 'map'
  let kind: Kind = 'empty'
  for (let item = type._start; item !== null; item = item.right) {
    if (item.deleted) continue
    const { content } = item
    if (content instanceof Y.ContentType) return isXml(content.type) ? 'fragment' : 'list'
    const isText = [Y.ContentString, Y.ContentFormat, Y.ContentEmbed].some((of) => content instanceof of)
    if (!isText) return 'list'
    kind = 'text'
  }
  return kind
}

function isXml(type: AnyType): boolean {
  return type instanceof Y.XmlElement || type instanceof Y.XmlText || type instanceof Y.XmlHook
}

function clear(type: AnyType, transaction: Y.Transaction): void {
  for (const item of type._map.values()) item.delete(transaction)
  for (let item = type._start; item !== null; item = item.right) item.delete(transaction)
}

function revertMap(own: Y.Map<unknown>, wanted: Y.Map<unknown>): void {
  for (const key of [...own.keys()]) if (!wanted.has(key)) own.delete(key)
  for (const [key, value] of wanted.entries()) {
    if (!own.has(key) || !revertInside(own.get(key), value)) own.set(key, copyOf(value))
  }
}

/** Whether `own` now is `wanted`, having been that or a type that could be changed into it. */
function revertInside(own: unknown, wanted: unknown): boolean {
  if (own instanceof Y.Text && wanted instanceof Y.Text && own.constructor === wanted.constructor) {
    revertText(own, wanted)
    return true
  }
  if (own instanceof Y.Map && wanted instanceof Y.Map) {
    revertMap(own, wanted)
    return true
  }
  if (own instanceof Y.Array && wanted instanceof Y.Array) {
    revertList(own, wanted)
    return true
  }
  return equal(own, wanted)
}

/** Plain text changes between what begins and what ends alike; text with marks is written anew. */
function revertText(own: Y.Text, wanted: Y.Text): void {
  const [before, after] = [own.toDelta() as unknown[], wanted.toDelta() as unknown[]]
  if (JSON.stringify(before) === JSON.stringify(after)) return
  if (!isPlain(before) || !isPlain(after)) {
    own.delete(0, own.length)
    own.applyDelta(after)
    return
  }
  const [from, to] = [own.toJSON(), wanted.toJSON()]
  const { start, end } = difference(from, to, (a, b) => from.charCodeAt(a) === to.charCodeAt(b))
  own.delete(start, from.length - start - end)
  own.insert(start, to.slice(start, to.length - end))
}

function isPlain(delta: readonly unknown[]): boolean {
  return delta.every((part) => {
    const { insert, attributes } = part as { insert: unknown; attributes?: unknown }
    return typeof insert === 'string' && attributes === undefined
  })
}

function revertList(own: Y.Array<unknown>, wanted: Y.Array<unknown>): void {
  const [from, to] = [own.toArray(), wanted.toArray()]
  const { start, end } = difference(from, to, (a, b) => equal(from[a], to[b]))
  own.delete(start, from.length - start - end)
  own.insert(start, to.slice(start, to.length - end).map(copyOf))
}

function revertFragment(own: Y.XmlFragment, wanted: Y.XmlFragment): void {
  if (own.toJSON() === wanted.toJSON()) return
  own.delete(0, own.length)
  own.insert(0, wanted.toArray().map(copyOf) as Y.XmlElement[])
}

/** How many members at the start and at the end are equal. */
function difference(
  from: ArrayLike<unknown>,
  to: ArrayLike<unknown>,
  same: (a: number, b: number) => boolean,
): { start: number; end: number } {
  const shorter = Math.min(from.length, to.length)
  let start = 0
  while (start < shorter && same(start, start)) start++
  let end = 0
  while (end < shorter - start && same(from.length - 1 - end, to.length - 1 - end)) end++
  return { start, end }
}

function equal(a: unknown, b: unknown): boolean {
  if (a instanceof Y.AbstractType || b instanceof Y.AbstractType) {
    if (!(a instanceof Y.AbstractType && b instanceof Y.AbstractType) || a.constructor !== b.constructor) return false
    if (a instanceof Y.Text && b instanceof Y.Text) return JSON.stringify(a.toDelta()) === JSON.stringify(b.toDelta())
    return JSON.stringify(a.toJSON()) === JSON.stringify(b.toJSON())
  }
  if (a instanceof Uint8Array && b instanceof Uint8Array) {
    return a.length === b.length && a.every((byte, i) => byte === b[i])
  }
  return typeof a === typeof b && (a === b || (typeof a === 'object' && JSON.stringify(a) === JSON.stringify(b)))
}

/** Of a type, one that may be put elsewhere; a value is nobody's. */
function copyOf(value: unknown): unknown {
  if (value instanceof Y.AbstractType) return value.clone()
  if (value instanceof Y.Doc) return new Y.Doc({ guid: value.guid })
  return value
}
