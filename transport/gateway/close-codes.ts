// Why the gateway closes a WebSocket: 44xx, after the HTTP status that says the same.
import type { ErrorCode } from '../../crdt/errors.ts'

export const CLOSE = {
  badMessage: { code: 4400, reason: 'malformed message' },
  notFound: { code: 4404, reason: 'no such session' },
  terminated: { code: 4410, reason: 'session terminated' },
  tooLarge: { code: 4413, reason: 'message over the limit' },
  tooSlow: { code: 4429, reason: 'client reads too slowly' },
  internal: { code: 4500, reason: 'internal error' },
  shuttingDown: { code: 4503, reason: 'peer is shutting down' },
} as const

export type CloseReason = (typeof CLOSE)[keyof typeof CLOSE]

const BY_ERROR: Partial<Record<ErrorCode, CloseReason>> = {
  INVALID_SESSION_ID: CLOSE.badMessage,
  INVALID_UPDATE: CLOSE.badMessage,
  UPDATE_TOO_LARGE: CLOSE.tooLarge,
  SESSION_NOT_FOUND: CLOSE.notFound,
  SESSION_TERMINATED: CLOSE.terminated,
  PEER_NOT_RUNNING: CLOSE.shuttingDown,
}

export function closeReasonOf(code: ErrorCode): CloseReason {
  return BY_ERROR[code] ?? CLOSE.internal
}
