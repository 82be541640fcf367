// What the demo's client was told: every acknowledged write, to be found again later. Every write sets a key of its
// own, so that none may be missing for having been overwritten.
import { createHash } from 'node:crypto'
import type { AdminClient } from '../cli/client.ts'

const READ_SESSIONS = 500

type Fields = ReadonlyMap<string, unknown>

interface ReadAnswer {
  readonly results: readonly { readonly view?: { readonly data: Record<string, unknown> } }[]
}

export class Ledger {
  readonly #acknowledged = new Map<string, Map<string, unknown>>()
  /** Acknowledged writes, creations included. */
  writes = 0

  get sessions(): number {
    return this.#acknowledged.size
  }

  ids(): string[] {
    return [...this.#acknowledged.keys()]
  }

  acknowledge(session: string, fields: Record<string, unknown>): void {
    const known = this.#acknowledged.get(session) ?? new Map<string, unknown>()
    this.#acknowledged.set(session, known)
    for (const [key, value] of Object.entries(fields)) known.set(key, value)
    this.writes++
  }

  /** Hash over every acknowledged session, key and value. */
  hash(): string {
    return hashOf(this.#acknowledged)
  }

  /** Reads acknowledged sessions, all by default, from one peer and compares. */
  async check(
    client: AdminClient,
    ids: readonly string[] = this.ids(),
  ): Promise<{ sessions: number; lost: number; hash: string }> {
    const found = new Map<string, Map<string, unknown>>()
    let lost = 0
    for (let i = 0; i < ids.length; i += READ_SESSIONS) {
      const slice = ids.slice(i, i + READ_SESSIONS)
      const { results } = (await client.call('POST', '/v1/read', { sessions: slice })) as ReadAnswer
      for (const [index, id] of slice.entries()) {
        const data = results[index]?.view?.data
        const wanted: Fields = this.#acknowledged.get(id) ?? new Map()
        if (data !== undefined) found.set(id, new Map([...wanted.keys()].map((key) => [key, data[key]])))
        for (const [key, value] of wanted) {
          if (canonical(data?.[key]) !== canonical(value)) lost++
        }
      }
    }
    return { sessions: found.size, lost, hash: hashOf(found) }
  }
}

function hashOf(sessions: ReadonlyMap<string, Fields>): string {
  const hash = createHash('sha256')
  for (const [id, fields] of [...sessions].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    hash.update(`${id}\0${canonical(Object.fromEntries(fields))}\0`)
  }
  return hash.digest('hex')
}

/** JSON with sorted keys: equal values, equal text. */
function canonical(value: unknown): string {
  return (
    JSON.stringify(value, (_key, field: unknown) =>
      typeof field === 'object' && field !== null && !Array.isArray(field)
        ? Object.fromEntries(Object.entries(field).toSorted(([a], [b]) => (a < b ? -1 : 1)))
        : field,
    ) ?? 'absent'
  )
}
