// A session's content as plain JSON, the same on every peer that holds the same document.
//
// Which kind a top-level type is (map, list, text) is not part of an update: a peer that never asked for it has an
// abstract type. So top-level types are read by their structure, never by their class, and an empty one counts as
// absent. Keys are sorted: JSON.stringify of the result is canonical.
import * as buffer from 'lib0/buffer'
import * as Y from 'yjs'
import { DATA_MAP, SESSION_MAP } from './document.ts'
import { NESTING_MAX } from './scan.ts'

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | { readonly [key: string]: JsonValue }

type AnyType = Y.AbstractType<Y.YEvent<Y.AbstractType<unknown>>>

/**
 * All user content: the data map under `data`, every other top-level type that is not empty under its name. What JSON
 * lacks is spelled `{$bytes: base64}`, `{$number: 'NaN'}`, `{$bigint: '1'}`, `{$document: guid}`. Never throws.
 */
export function toJson(doc: Y.Doc): { readonly [name: string]: JsonValue } {
  const types: [string, JsonValue][] = [[DATA_MAP, {}]]
  for (const [name, type] of doc.share) {
    if (name === SESSION_MAP) continue
    const content = typeJson(type, 0)
    if (content !== undefined) types.push([name, content])
  }
  return sorted(types)
}

/** Undefined if nothing is in it. A type with both keys and a list is an XML element. */
function typeJson(type: AnyType, depth: number): JsonValue | undefined {
  const entries: [string, JsonValue][] = []
  for (const [key, item] of type._map) {
    if (!item.deleted) entries.push([key, valueJson(item.content.getContent().at(-1), depth + 1)])
  }
  const list = listJson(type, depth)
  const name = type instanceof Y.XmlElement ? type.nodeName : undefined
  if (name !== undefined || (entries.length > 0 && list !== undefined)) {
    return { attributes: sorted(entries), children: list ?? [], ...(name === undefined ? {} : { name }) }
  }
  return entries.length > 0 ? sorted(entries) : list
}

/** A text if only characters are in it, otherwise an array in which each stretch of characters is one element. */
function listJson(type: AnyType, depth: number): JsonValue | undefined {
  const elements: JsonValue[] = []
  let text = ''
  let onlyText = true
  for (let item = type._start; item !== null; item = item.right) {
    if (item.deleted || !item.countable) continue
    if (item.content instanceof Y.ContentString) {
      // Half a surrogate pair exists on the writer's side only: its encoding turns it into U+FFFD for all others.
      text += item.content.str.toWellFormed()
      continue
    }
    onlyText = false
    if (text !== '') elements.push(text)
    text = ''
    for (const value of item.content.getContent()) elements.push(valueJson(value, depth + 1))
  }
  if (onlyText) return text === '' ? undefined : text
  if (text !== '') elements.push(text)
  return elements
}

function valueJson(value: unknown, depth: number): JsonValue {
  if (depth > NESTING_MAX) return { $truncated: `nested deeper than ${NESTING_MAX}` }
  if (value instanceof Y.AbstractType) return typeJson(value, depth) ?? emptyJson(value)
  if (value instanceof Y.Doc) return { $document: value.guid }
  if (value instanceof Uint8Array) return { $bytes: buffer.toBase64(value) }
  if (Array.isArray(value)) return value.map((member: unknown) => valueJson(member, depth + 1))
  switch (typeof value) {
    case 'string':
      return value.toWellFormed()
    case 'boolean':
      return value
    case 'number':
      return Number.isFinite(value) ? value : { $number: String(value) }
    case 'bigint':
      return { $bigint: String(value) }
    case 'object':
      if (value === null) return null
      return sorted(Object.entries(value).map(([key, member]) => [key, valueJson(member, depth + 1)]))
    default:
      return null
  }
}

function emptyJson(type: unknown): JsonValue {
  if (type instanceof Y.Text) return ''
  return type instanceof Y.Map ? {} : []
}

function sorted(entries: [string, JsonValue][]): { readonly [key: string]: JsonValue } {
  // fromEntries, because assigning to a key called __proto__ would set something else.
  return Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
}
