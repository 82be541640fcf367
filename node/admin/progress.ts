// Answers to requests that may take minutes. A client that accepts lines of JSON (`application/x-ndjson`) is told how far
// the task is while it runs: `{"progress": {"done": 3, "total": 7}}`, …, and at last `{"result": …}` or `{"error": …}`.
// Any other gets the result alone, when it is there.
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { SyncProgress } from '../api.ts'
import { systemClock } from '../ports/clock.ts'
import { describeError } from './errors.ts'

export const NDJSON = 'application/x-ndjson'
/** At most a line so often. */
const LINE_INTERVAL_MS = 100

export async function withProgress<T>(
  request: FastifyRequest,
  reply: FastifyReply,
  task: (onProgress: (progress: SyncProgress) => void) => Promise<T>,
): Promise<T | undefined> {
  if (request.headers.accept?.includes(NDJSON) !== true) return task(() => {})
  reply.hijack()
  reply.raw.writeHead(200, { 'content-type': NDJSON, 'cache-control': 'no-store' })
  const send = (line: object) => void reply.raw.write(`${JSON.stringify(line)}\n`)
  let last = Number.NEGATIVE_INFINITY
  let waiting: SyncProgress | undefined
  const onProgress = (progress: SyncProgress) => {
    waiting = progress
    const now = systemClock.monotonic()
    if (now - last < LINE_INTERVAL_MS) return
    last = now
    waiting = undefined
    send({ progress })
  }
  try {
    const result = await task(onProgress)
    if (waiting !== undefined) send({ progress: waiting })
    send({ result })
  } catch (error) {
    send({ error: describeError(error) })
  }
  reply.raw.end()
  return undefined
}
