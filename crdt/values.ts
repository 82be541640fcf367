// Which values a shared type can hold. Yjs finds out half way through a transaction, when it is too late to refuse.
import * as Y from 'yjs'
import { NESTING_MAX } from './scan.ts'

/** Says why a document cannot hold `value` as one entry, or undefined if it can. */
export function unstorablePart(value: unknown): string | undefined {
  if (value instanceof Y.AbstractType || value instanceof Uint8Array) return undefined
  // Yjs tells objects by their `constructor`, which a null prototype lacks and an own key of that name hides.
  if (typeof value === 'object' && value !== null && !Array.isArray(value) && value.constructor !== Object) {
    return 'it is not a plain object'
  }
  return unstorableMember(value, 0)
}

function unstorableMember(value: unknown, depth: number): string | undefined {
  if (value === undefined || value === null || ['string', 'number', 'boolean', 'bigint'].includes(typeof value)) {
    return undefined
  }
  if (depth > NESTING_MAX) return `it nests deeper than ${NESTING_MAX}`
  if (value instanceof Uint8Array) return undefined
  if (typeof value !== 'object') return `it holds a ${typeof value}`
  if (!Array.isArray(value) && !isPlain(value)) return 'it holds an object that is not plain'
  for (const member of Object.values(value)) {
    const fault = unstorableMember(member, depth + 1)
    if (fault !== undefined) return fault
  }
  return undefined
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}
