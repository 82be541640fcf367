// When a session is to end by itself: at a given time, or once it has lain untouched for so long, whichever comes first.
//
// All of it stands in the session's record, so it replicates and merges like everything else. Of concurrent touches the
// latest wins: every writer puts its time under a key of its own and takes away the others that it knows and that are
// not later, so that the greatest is always there, and seldom more than one.
import type * as Y from 'yjs'
import { describeSession, sessionMapOf, TIME_MAX, TOUCH_PREFIX, type SessionRecord } from './document.ts'
import { SessionMeshError } from './errors.ts'

/**
 * A touch is written down only if the last one is older than this share of the ttl: touches don't flood the mesh. A
 * session that is touched all the time must not end early for that, so it gets as much on top.
 */
const THROTTLE = 0.1

/** Of each: undefined leaves it as it is, null takes it away. */
export interface ExpiryChange {
  /** How long the session may lie untouched, ms. */
  readonly ttlMs?: number | null | undefined
  /** ms since the epoch. */
  readonly expiresAt?: number | null | undefined
}

/** @throws INVALID_ARGUMENT naming the one that makes no sense */
export function checkExpiry({ ttlMs, expiresAt }: ExpiryChange): void {
  if (ttlMs !== undefined && ttlMs !== null && !(ttlMs >= 1 && ttlMs <= TIME_MAX)) {
    throw new SessionMeshError('INVALID_ARGUMENT', `ttlMs ${ttlMs}: expected milliseconds, 1 or more`)
  }
  if (expiresAt !== undefined && expiresAt !== null && !(expiresAt >= 0 && expiresAt <= TIME_MAX)) {
    throw new SessionMeshError('INVALID_ARGUMENT', `expiresAt ${expiresAt}: expected milliseconds since the epoch`)
  }
}

/** Sets when the session ends; counts as a touch. @param now ms since the epoch */
export function setExpiry(doc: Y.Doc, { ttlMs, expiresAt }: ExpiryChange, now: number): void {
  checkExpiry({ ttlMs, expiresAt })
  doc.transact(() => {
    const session = sessionMapOf(doc)
    for (const [key, value] of [
      ['ttl', ttlMs],
      ['expiresAt', expiresAt],
    ] as const) {
      if (value === null) session.delete(key)
      else if (value !== undefined) session.set(key, value)
    }
    if (describeSession(doc).ttlMs !== undefined) stamp(doc, now)
  })
}

/** Whether a touch would have to be written down: the session has a ttl, and the last touch is not of a moment ago. */
export function isTouchDue(doc: Y.Doc, now: number): boolean {
  const { ttlMs, touchedAt = 0, terminatedAt } = describeSession(doc)
  return ttlMs !== undefined && terminatedAt === undefined && now - touchedAt >= ttlMs * THROTTLE
}

/** Pushes the end of an idle session on, unless that was done a moment ago. */
export function touchSession(doc: Y.Doc, now: number): void {
  if (isTouchDue(doc, now)) doc.transact(() => stamp(doc, now))
}

/** When the session is to end unless it is touched, ms since the epoch; undefined: never. */
export function deadlineOf({ ttlMs, touchedAt = 0, expiresAt }: SessionRecord): number | undefined {
  const idle = ttlMs === undefined ? undefined : touchedAt + ttlMs * (1 + THROTTLE)
  if (idle === undefined || expiresAt === undefined) return idle ?? expiresAt
  return Math.min(idle, expiresAt)
}

/** Never back: a writer whose clock is behind takes nothing away from what others have said. */
function stamp(doc: Y.Doc, now: number): void {
  const session = sessionMapOf(doc)
  const own = `${TOUCH_PREFIX}${doc.clientID}`
  const at = Math.max(now, describeSession(doc).touchedAt ?? 0)
  for (const key of session.keys()) if (key !== own && key.startsWith(TOUCH_PREFIX)) session.delete(key)
  session.set(own, at)
}
