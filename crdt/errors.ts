// The one table of errors. A code is stable: programs branch on it, tests assert it, docs/ERRORS.md
// lists it (a test compares the two). Messages name what was wrong and may change at any time.
//
// It lives in crdt/ because that is the layer all others may import.

/** Every error code with the HTTP status that the admin answers with. */
export const ERROR_STATUS = {
  INVALID_SESSION_ID: 400,
  INVALID_UPDATE: 400,
  INVALID_ARGUMENT: 400,
  INVALID_CONFIG: 400,
  INVALID_TOKEN: 400,
  INVALID_SCENARIO: 400,
  INVALID_MESSAGE: 400,
  UPDATE_TOO_LARGE: 413,
  SESSION_TOO_LARGE: 413,
  MESSAGE_TOO_LARGE: 413,
  SESSION_EXISTS: 409,
  SESSION_NOT_FOUND: 404,
  SESSION_UNAVAILABLE: 503,
  SESSION_BEHIND: 504,
  SESSION_TERMINATED: 410,
  SESSIONS_LIMIT: 429,
  ILLEGAL_TRANSITION: 409,
  PEER_NOT_FOUND: 404,
  PEER_NOT_RUNNING: 503,
  PEER_RETURNING: 503,
  PEER_UNREACHABLE: 503,
  REPLICATION_TIMEOUT: 504,
  REQUEST_TIMEOUT: 504,
  FAILOVER_NOT_READY: 409,
  STORE_FAILED: 503,
  STORE_FULL: 507,
  STORE_CORRUPT: 500,
  STORE_LOCKED: 503,
  HISTORY_GONE: 410,
  SNAPSHOT_NOT_FOUND: 404,
  SNAPSHOT_CORRUPT: 500,
  SNAPSHOT_TARGET_FAILED: 503,
  SNAPSHOT_TARGET_MISSING: 409,
  UNAUTHORIZED: 401,
  FORBIDDEN: 403,
} as const

export type ErrorCode = keyof typeof ERROR_STATUS

/** The only error class that sessionmesh throws on purpose; told apart by `code`, never by message. */
export class SessionMeshError extends Error {
  override readonly name: string = 'SessionMeshError'
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/**
 * A write that fewer disks hold than `durability` asked for, thrown when `strict` is set (DESIGN.md guarantee 1).
 * The change stays applied and goes on spreading.
 */
export class ReplicationTimeoutError extends SessionMeshError {
  override readonly name = 'ReplicationTimeoutError'
  /** Copies on disk when the wait ended, self included. */
  readonly copies: number

  constructor(message: string, copies: number) {
    super('REPLICATION_TIMEOUT', message)
    this.copies = copies
  }
}

/** Whether `error` is ours, by its code: several copies of the package may be loaded at once. */
export function hasCode(error: unknown, code?: ErrorCode): error is SessionMeshError {
  if (!(error instanceof Error) || !('code' in error)) return false
  return code === undefined ? String(error.code) in ERROR_STATUS : error.code === code
}

/** Whether `error` says no more than that another peer could not be asked, or did not answer in time. */
export function isUnreachable(error: unknown): boolean {
  return hasCode(error, 'PEER_UNREACHABLE') || hasCode(error, 'REQUEST_TIMEOUT')
}

/** A broken invariant of our own: stops what runs before it can lie. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(`sessionmesh invariant broken: ${message}`)
}
