// Waiting in tests: for a condition, with a deadline, and with a message that says what never came.
const INTERVAL_MS = 20

export interface WaitOptions {
  readonly timeoutMs: number
  /** Completes the sentence "waited N ms for …". */
  readonly what: string
  /** Between two looks; longer where looking costs those that are waited for. @default 20 */
  readonly intervalMs?: number
}

/**
 * Asks until the answer is truthy, and returns it. A condition that throws is asked again: a peer that is just being
 * killed or started refuses connections.
 * @throws Error naming `what`, the last answer and the last failure, when the deadline has passed
 */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  { timeoutMs, what, intervalMs = INTERVAL_MS }: WaitOptions,
): Promise<T> {
  const deadline = performance.now() + timeoutMs
  let last: unknown
  for (;;) {
    try {
      const answer = await condition()
      if (answer) return answer
      last = answer
    } catch (error) {
      last = error
    }
    if (performance.now() >= deadline) {
      throw new Error(`waited ${timeoutMs} ms for ${what}; last: ${String(last)}`, { cause: last })
    }
    await after(intervalMs)
  }
}

/** For spacing out events of a test, never for waiting until something has happened: that is `waitFor`. */
export function after(delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, delayMs)
  })
}
