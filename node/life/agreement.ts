// Whether a session may be ended because its time is over. Its home asks every live peer, and ends it only if all agree:
// the home's clock may be wrong, and somebody may have touched the session a moment ago. A peer that can't be sure says
// no; it is asked again.
import { SessionMeshError } from '../../crdt/errors.ts'
import type { PeerId, Transport } from '../../transport/port.ts'
import { DueRequest, DueResponse } from '../../transport/wire/messages.js'
import type { Clock } from '../ports/clock.ts'
import type { Catalog } from '../sessions/catalog.ts'
import { isHeld, type Entry } from '../sessions/entry.ts'

const PROTOCOL = 'due'
/** Answers that come later don't count. */
export const ANSWER_MS = 2_000
/** Who has agreed that a session is over keeps to it for so long: it lets nobody use it, or what they do would be lost. */
const WORD_MS = 4_000
/** Sessions asked about in one request. */
export const SESSIONS_MAX = 512

export interface AgreementOptions {
  readonly transport: Transport
  readonly clock: Clock
  readonly catalog: () => Catalog
  /** The most by which clocks of two peers may differ. */
  readonly clockSkewMaxMs: number
  readonly allowed: (peer: PeerId) => boolean
  readonly refuse: (reason: string, session: string, origin: string, detail: string) => void
}

export class Agreement {
  readonly #options: AgreementOptions
  /** When somebody here last touched a session or wrote to it, monotonic ms. */
  readonly #active = new WeakMap<Entry, number>()

  /** Sessions that this peer has agreed to be over, and until when it keeps to that, monotonic ms. */
  readonly #given = new Map<string, number>()

  constructor(options: AgreementOptions) {
    this.#options = options
  }

  /** Answers others from now on. */
  serve(): void {
    const { transport, allowed, refuse } = this.#options
    transport.handle(PROTOCOL, async (from, bytes) => {
      if (!allowed(from)) throw new SessionMeshError('FORBIDDEN', `${from} is not in allowedPeers`)
      try {
        return this.#answer(bytes)
      } catch (error) {
        refuse('malformed-due', '', from, error instanceof Error ? error.message : String(error))
        throw error
      }
    })
  }

  /** The session was touched or written to at this peer. */
  active(entry: Entry): void {
    if (entry.expiry?.ttlMs !== undefined) this.#active.set(entry, this.#options.clock.monotonic())
  }

  /** Of these sessions, those that all of `peers` hold for due; none if one of them does not answer. */
  async ask(peers: readonly PeerId[], entries: readonly Entry[]): Promise<Entry[]> {
    const objections = new Set<string>()
    const sessions = entries.map(({ id }) => id)
    const answers = await Promise.all(peers.map((peer) => this.#request(peer, { sessions, withdrawn: [] })))
    for (const answer of answers) for (const session of answer?.objections ?? sessions) objections.add(session)
    // Whoever has agreed lets nobody use them, and is to know that they go on.
    for (const entry of entries) if (objections.has(entry.id)) this.#given.delete(entry.id)
    if (objections.size > 0) {
      for (const peer of peers) void this.#request(peer, { sessions: [], withdrawn: [...objections] })
    }
    return entries.filter(({ id }) => !objections.has(id))
  }

  /** Undefined if it does not answer. */
  async #request(peer: PeerId, request: DueRequest): Promise<DueResponse | undefined> {
    const { transport } = this.#options
    try {
      const bytes = await transport.request(peer, PROTOCOL, DueRequest.encode(request), { timeoutMs: ANSWER_MS })
      return DueResponse.decode(bytes)
    } catch {
      return undefined // Who does not answer will, or will be found dead.
    }
  }

  /** Whether the session is over by this peer's own word. */
  isGivenUp(entry: Entry): boolean {
    const until = this.#given.get(entry.id)
    // News of a touch takes the word back.
    return until !== undefined && this.#options.clock.monotonic() < until && this.#isOver(entry)
  }

  /** Whether this peer agrees, and keeps to it. */
  agrees(entry: Entry): boolean {
    const isDue = this.isDue(entry)
    if (isDue) this.#give(entry.id)
    return isDue
  }

  /** Of a session that is not here, too: somebody may open it here next. */
  #give(session: string): void {
    const now = this.#options.clock.monotonic()
    for (const [other, until] of this.#given) {
      if (until >= now) break
      this.#given.delete(other)
    }
    this.#given.delete(session)
    this.#given.set(session, now + WORD_MS)
  }

  /** Whether the session is over by what this peer knows, or it knows nothing that speaks against it. */
  isDue(entry: Entry): boolean {
    if (!isHeld(entry) || entry.terminatedAt !== undefined) return true
    // Something has come that was not looked at yet: a touch, perhaps.
    return entry.dirtySince === undefined && this.#isOver(entry)
  }

  /** By its record, as it was last looked at, and by what was done here. */
  #isOver(entry: Entry): boolean {
    const { clock, clockSkewMaxMs } = this.#options
    if (entry.expiry === undefined) return false
    const { deadline, ttlMs = 0 } = entry.expiry
    const idleMs = clock.monotonic() - (this.#active.get(entry) ?? -Infinity)
    return idleMs >= ttlMs && clock.now() >= deadline + clockSkewMaxMs
  }

  #answer(bytes: Uint8Array): Uint8Array {
    const catalog = this.#options.catalog()
    const { sessions, withdrawn } = DueRequest.decode(bytes)
    const count = Math.max(sessions.length, withdrawn.length)
    if (count > SESSIONS_MAX)
      throw new SessionMeshError('INVALID_MESSAGE', `${count} sessions, at most ${SESSIONS_MAX}`)
    for (const session of withdrawn) this.#given.delete(session)
    const objections = sessions.filter((session) => {
      const entry = catalog.get(session)
      if (entry !== undefined) return !this.agrees(entry)
      this.#give(session)
      return false
    })
    return DueResponse.encode({ objections })
  }
}
