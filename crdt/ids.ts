// Session ids, and the shard that each falls into.
//
// An id is visible ASCII: it goes into log lines, URLs and database keys as it is, and has one spelling only (no
// Unicode normalisation to disagree about).
import { SessionMeshError } from './errors.ts'

/** A checked session id: 1 to 256 characters of visible ASCII (0x21 to 0x7e). */
export type SessionId = string & { readonly __brand: 'SessionId' }

/** Shards of a mesh unless its configuration says otherwise. All peers of a mesh must agree. */
export const SHARD_COUNT_DEFAULT = 64

const ID_LENGTH_MAX = 256

/** @throws INVALID_SESSION_ID, naming what is wrong */
export function parseSessionId(value: unknown): SessionId {
  const fault = faultOf(value)
  if (fault !== undefined) throw new SessionMeshError('INVALID_SESSION_ID', `session id ${fault}`)
  return value as SessionId
}

/**
 * The shard of a session, 0 to `shardCount` - 1: FNV-1a over the characters, stirred by the finalizer of MurmurHash3
 * because FNV's low bits alone are weak. Part of the protocol: peers that differ here never meet on a session.
 */
export function shardOf(id: string, shardCount: number): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return ((hash ^ (hash >>> 16)) >>> 0) % shardCount
}

function faultOf(value: unknown): string | undefined {
  if (typeof value !== 'string') return `must be a string, not ${value === null ? 'null' : typeof value}`
  if (value.length === 0) return 'must not be empty'
  if (value.length > ID_LENGTH_MAX) return `must have at most ${ID_LENGTH_MAX} characters, not ${value.length}`
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i)
    if (code < 0x21 || code > 0x7e) {
      const name = `U+${code.toString(16).toUpperCase().padStart(4, '0')}`
      return `must be visible ASCII without blanks, not ${name} at character ${i}`
    }
  }
  return undefined
}
