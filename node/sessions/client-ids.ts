// Yjs client ids of this boot's documents: one for all, but for sessions that were let go and come back. What comes back
// may lack the last that this boot wrote, and writing other things under the same id and clock would diverge silently and
// for ever (DESIGN.md section 5).

/** Sessions remembered; past it everything to come gets another id, which costs a few bytes a session. */
const WRITTEN_MAX = 10_000

export class ClientIds {
  readonly #draw: () => number
  /** Sessions that this boot has written to under its id, and let go. */
  readonly #written = new Set<string>()
  #id: number

  /** @param draw gives an id that nobody ever used */
  constructor(draw: () => number) {
    this.#draw = draw
    this.#id = draw()
  }

  for(session: string): number {
    return this.#written.has(session) ? this.#draw() : this.#id
  }

  /** A session that this boot has written to is let go. */
  retire(session: string): void {
    this.#written.add(session)
    if (this.#written.size <= WRITTEN_MAX) return
    this.#written.clear()
    this.#id = this.#draw()
  }
}
