// A tiny client of the HTTP admin: JSON in, JSON out, an error with status and body otherwise.
const TIMEOUT_MS = 30_000

class HttpFailure extends Error {
  readonly status: number
  /** The peer's own code; the status if the body has none. */
  readonly code: string

  constructor(what: string, status: number, body: string) {
    super(`${what}: HTTP ${status} ${body}`)
    this.status = status
    this.code = /"code":"(\w+)"/.exec(body)?.[1] ?? `HTTP_${status}`
  }
}

export class HttpClient {
  readonly #base: () => string
  readonly #token: string | undefined

  /** @param base the peer's base URL, asked for each time: a restart may change it */
  constructor(base: () => string, token?: string) {
    this.#base = base
    this.#token = token
  }

  get<T>(path: string, timeoutMs = TIMEOUT_MS): Promise<T> {
    return this.#ask<T>('GET', path, undefined, timeoutMs)
  }

  post<T>(path: string, body: unknown = {}): Promise<T> {
    return this.#ask<T>('POST', path, body, TIMEOUT_MS)
  }

  patch<T>(path: string, body: unknown): Promise<T> {
    return this.#ask<T>('PATCH', path, body, TIMEOUT_MS)
  }

  delete<T>(path: string): Promise<T> {
    return this.#ask<T>('DELETE', path, undefined, TIMEOUT_MS)
  }

  async #ask<T>(method: string, path: string, body: unknown, timeoutMs: number): Promise<T> {
    const signal = AbortSignal.timeout(timeoutMs)
    const headers = {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(this.#token === undefined ? {} : { authorization: `Bearer ${this.#token}` }),
    }
    const json = body === undefined ? {} : { body: JSON.stringify(body) }
    const response = await fetch(this.#base() + path, { method, signal, headers, ...json })
    const text = await response.text()
    if (!response.ok) throw new HttpFailure(`${method} ${path}`, response.status, text)
    return JSON.parse(text) as T
  }
}
