// The CLI's side of the HTTP admin.
import { SessionMeshError, type ErrorCode } from '../../crdt/errors.ts'
import { NDJSON } from '../admin/progress.ts'
import type { SyncProgress } from '../api.ts'

export interface ClientOptions {
  /** HOST:PORT of the peer's HTTP admin. */
  readonly http: string
  readonly token?: string | undefined
}

export class AdminClient {
  readonly #base: string
  readonly #token: string | undefined

  constructor({ http, token }: ClientOptions) {
    this.#base = http.includes('://') ? http : `http://${http}`
    this.#token = token
  }

  get(path: string): Promise<unknown> {
    return this.call('GET', path)
  }

  /** @throws SessionMeshError with the peer's code, or PEER_UNREACHABLE if nothing answers */
  async call(method: string, path: string, body?: unknown): Promise<unknown> {
    return answerOf(await this.#fetch(method, path, body))
  }

  /** Like `call`, for what takes long: tells how far the peer is. */
  async callLong(
    method: string,
    path: string,
    body: unknown,
    onProgress: (progress: SyncProgress) => void,
  ): Promise<unknown> {
    const response = await this.#fetch(method, path, body, { accept: NDJSON })
    if (response.body === null || response.headers.get('content-type') !== NDJSON) return answerOf(response)
    let rest = ''
    for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) {
        const said = JSON.parse(line) as { progress?: SyncProgress; result?: unknown; error?: unknown }
        if (said.progress !== undefined) onProgress(said.progress)
        else if ('result' in said) return said.result
        else throw failure(said, line)
      }
    }
    throw new SessionMeshError('PEER_UNREACHABLE', `the peer at ${this.#base} went away half way`)
  }

  async #fetch(method: string, path: string, body: unknown, extra: Record<string, string> = {}): Promise<Response> {
    const headers: Record<string, string> = { ...extra }
    if (body !== undefined) headers['content-type'] = 'application/json'
    if (this.#token !== undefined) headers['authorization'] = `Bearer ${this.#token}`
    try {
      return await fetch(this.#base + path, {
        method,
        headers,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
    } catch (cause) {
      const hint = 'start one with `sessionmesh start`, or name its address with --http HOST:PORT'
      throw new SessionMeshError('PEER_UNREACHABLE', `no peer answers at ${this.#base}: ${hint}`, { cause })
    }
  }
}

async function answerOf(response: Response): Promise<unknown> {
  const text = await response.text()
  const answer: unknown = text === '' ? null : JSON.parse(text)
  // An unhealthy peer answers 503 with a body that says why: that is an answer, not a failure to ask.
  if (response.ok || isHealth(answer)) return answer
  throw failure(answer, text)
}

function failure(answer: unknown, text: string): SessionMeshError {
  const { code, message } = errorOf(answer) ?? { code: 'INTERNAL', message: text }
  return new SessionMeshError(code as ErrorCode, message)
}

function isHealth(answer: unknown): boolean {
  return typeof answer === 'object' && answer !== null && 'healthy' in answer
}

function errorOf(answer: unknown): { code: string; message: string } | undefined {
  if (typeof answer !== 'object' || answer === null || !('error' in answer)) return undefined
  const { error } = answer
  if (typeof error !== 'object' || error === null || !('code' in error) || !('message' in error)) return undefined
  return { code: String(error.code), message: String(error.message) }
}
