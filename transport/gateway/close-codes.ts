// Why the gateway closes a WebSocket: the HTTP status that says the same, plus 4000.
//
// The stock client takes 4400 to 4499 as final and stops; after anything else it connects again. So what another
// attempt can cure is 45xx, whoever is to blame. A message more than twice the limit is refused by its header alone,
// unread, and then the WebSocket layer's own code 1009 says so.
import type { ErrorCode } from '../../crdt/errors.ts'

export const CLOSE = {
  badMessage: { code: 4400, reason: 'malformed message' },
  badSession: { code: 4400, reason: 'the path must be a session id, percent-encoded' },
  unauthorized: { code: 4401, reason: 'not allowed to open this session' },
  notFound: { code: 4404, reason: 'no such session' },
  terminated: { code: 4410, reason: 'session terminated' },
  tooLarge: { code: 4413, reason: 'message over the limit' },
  internal: { code: 4500, reason: 'internal error' },
  shuttingDown: { code: 4503, reason: 'peer is shutting down' },
  tooSlow: { code: 4508, reason: 'client reads too slowly' },
  tooMany: { code: 4529, reason: 'too much at once, try again later' },
} as const

export type CloseReason = (typeof CLOSE)[keyof typeof CLOSE]

const BY_ERROR: Partial<Record<ErrorCode, CloseReason>> = {
  INVALID_SESSION_ID: CLOSE.badSession,
  INVALID_UPDATE: CLOSE.badMessage,
  INVALID_MESSAGE: CLOSE.badMessage,
  UNAUTHORIZED: CLOSE.unauthorized,
  FORBIDDEN: CLOSE.unauthorized,
  UPDATE_TOO_LARGE: CLOSE.tooLarge,
  SESSION_TOO_LARGE: CLOSE.tooLarge,
  SESSION_NOT_FOUND: CLOSE.notFound,
  SESSION_TERMINATED: CLOSE.terminated,
  SESSIONS_LIMIT: CLOSE.tooMany,
  PEER_NOT_RUNNING: CLOSE.shuttingDown,
}

export function closeReasonOf(code: ErrorCode): CloseReason {
  return BY_ERROR[code] ?? CLOSE.internal
}
