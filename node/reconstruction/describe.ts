// What a change did, in words: the difference between a session's content before and after it. It is told from content,
// not from Yjs' structures, so it says the same of a change however its update came.
import type { ChangedPart } from './api.ts'

/** Characters of JSON up to which a value is shown. */
const VALUE_CHARACTERS_MAX = 80

type Content = Readonly<Record<string, unknown>>

/** @param before plain JSON, as of `toJson` */
export function describeChange(before: Content, after: Content): ChangedPart[] {
  return [...parts([], before, after)]
}

function* parts(path: readonly string[], before: unknown, after: unknown): Generator<ChangedPart> {
  if (same(before, after)) return
  const at = path.join('.')
  if (isRecord(before) && isRecord(after)) {
    for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
      yield* parts([...path, key], before[key], after[key])
    }
  } else if (isRecord(after) && before === undefined && path.length < 2) {
    // A shared type that was empty: its keys are what was set.
    for (const key of Object.keys(after)) yield* parts([...path, key], undefined, after[key])
  } else if (isRecord(before) && after === undefined && path.length < 2) {
    for (const key of Object.keys(before)) yield* parts([...path, key], before[key], undefined)
  } else if (isText(path, before) && isText(path, after)) {
    yield* textParts(at, textOf(before), textOf(after))
  } else if (Array.isArray(before) && Array.isArray(after)) {
    yield* listParts(at, before, after)
  } else if (after === undefined) {
    yield { path: at, did: 'deleted', text: `${at} deleted (was ${shown(before)})`, ...small('old', before) }
  } else {
    const text = before === undefined ? `${at} set to ${shown(after)}` : `${at}: ${shown(before)} → ${shown(after)}`
    yield { path: at, did: 'set', text, ...small('old', before), ...small('new', after) }
  }
}

/** A shared text stands at the top; a string deeper down is a value, set as a whole. */
function isText(path: readonly string[], value: unknown): boolean {
  return path.length === 1 && (typeof value === 'string' || value === undefined)
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

function* textParts(path: string, before: string, after: string): Generator<ChangedPart> {
  const { start, removed, inserted } = middle(Array.from(before), Array.from(after))
  if (removed.length > 0) {
    const old = removed.join('')
    yield { path, did: 'removed', text: `${path}: ${shown(old)} removed at ${start}`, ...small('old', old) }
  }
  if (inserted.length > 0) {
    const added = inserted.join('')
    yield { path, did: 'inserted', text: `${path}: ${shown(added)} inserted at ${start}`, ...small('new', added) }
  }
}

function* listParts(path: string, before: readonly unknown[], after: readonly unknown[]): Generator<ChangedPart> {
  const { start, removed, inserted } = middle(before, after)
  if (removed.length > 0) {
    yield { path, did: 'removed', text: `${path}: ${shown(removed)} removed at ${start}`, ...small('old', removed) }
  }
  if (inserted.length > 0) {
    yield { path, did: 'inserted', text: `${path}: ${shown(inserted)} inserted at ${start}`, ...small('new', inserted) }
  }
}

/** What lies between the equal members at the start and at the end. */
function middle<T>(before: readonly T[], after: readonly T[]): { start: number; removed: T[]; inserted: T[] } {
  const shorter = Math.min(before.length, after.length)
  let start = 0
  while (start < shorter && same(before[start], after[start])) start++
  let end = 0
  while (end < shorter - start && same(before.at(-1 - end), after.at(-1 - end))) end++
  return {
    start,
    removed: before.slice(start, before.length - end),
    inserted: after.slice(start, after.length - end),
  }
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing'
  if (text.length <= VALUE_CHARACTERS_MAX) return text
  return `${text.slice(0, VALUE_CHARACTERS_MAX)}… (${text.length} characters)`
}

function small(key: 'old' | 'new', value: unknown): object {
  const text = JSON.stringify(value)
  return text === undefined || text.length > VALUE_CHARACTERS_MAX ? {} : { [key]: value }
}

function same(a: unknown, b: unknown): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b)
}

function isRecord(value: unknown): value is Content {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
