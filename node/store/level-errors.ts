// What an error of LevelDB says, by way of abstract-level, which wraps it.

export function isLocked(error: unknown): boolean {
  return hasLevelCode(error, 'LEVEL_LOCKED')
}

export function hasLevelCode(error: unknown, code: string): boolean {
  const cause = error instanceof Error ? error.cause : undefined
  return cause instanceof Error && 'code' in cause && cause.code === code
}

/** Closing under a reader is no fault of the disk. */
export function isNotOpen(error: unknown): boolean {
  return error instanceof Error && 'code' in error && String(error.code).endsWith('_NOT_OPEN')
}

/** The innermost message: abstract-level wraps what LevelDB said. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause === undefined ? error.message : reasonOf(error.cause)
}
