// A tiny client of the HTTP admin: JSON in, JSON out, an error with status and body otherwise.
const TIMEOUT_MS = 30_000

class HttpFailure extends Error {
  readonly status: number

  constructor(what: string, status: number, body: string) {
    super(`${what}: HTTP ${status} ${body}`)
    this.status = status
  }
}

export class HttpClient {
  readonly #base: () => string

  /** @param base the peer's base URL, asked for each time: a restart may change it */
  constructor(base: () => string) {
    this.#base = base
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

  async #ask<T>(method: string, path: string, body: unknown, timeoutMs: number): Promise<T> {
    const signal = AbortSignal.timeout(timeoutMs)
    const json =
      body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }
    const response = await fetch(this.#base() + path, { method, signal, ...json })
    const text = await response.text()
    if (!response.ok) throw new HttpFailure(`${method} ${path}`, response.status, text)
    return JSON.parse(text) as T
  }
}
