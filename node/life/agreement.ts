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
const TIMEOUT_MS = 5_000
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

  /** Of these sessions, those that all of `peers` hold for due. @throws what a peer that does not answer makes of it */
  async ask(peers: readonly PeerId[], entries: readonly Entry[]): Promise<Entry[]> {
    const { transport } = this.#options
    const request = DueRequest.encode({ sessions: entries.map(({ id }) => id) })
    const objections = new Set<string>()
    const ask = async (peer: PeerId) => {
      const answer = await transport.request(peer, PROTOCOL, request, { timeoutMs: TIMEOUT_MS })
      for (const session of DueResponse.decode(answer).objections) objections.add(session)
    }
    await Promise.all(peers.map(ask))
    return entries.filter(({ id }) => !objections.has(id))
  }

  /** Whether this peer agrees that the session is over, or knows nothing that speaks against it. */
  isDue(entry: Entry): boolean {
    const { clock, clockSkewMaxMs } = this.#options
    if (!isHeld(entry) || entry.terminatedAt !== undefined) return true
    // Something has come that was not looked at yet: a touch, perhaps.
    if (entry.dirtySince !== undefined || entry.expiry === undefined) return false
    const { deadline, ttlMs = 0 } = entry.expiry
    const idleMs = clock.monotonic() - (this.#active.get(entry) ?? -Infinity)
    return idleMs >= ttlMs && clock.now() >= deadline + clockSkewMaxMs
  }

  #answer(bytes: Uint8Array): Uint8Array {
    const catalog = this.#options.catalog()
    const { sessions } = DueRequest.decode(bytes)
    if (sessions.length > SESSIONS_MAX) {
      throw new SessionMeshError('INVALID_MESSAGE', `${sessions.length} sessions, at most ${SESSIONS_MAX}`)
    }
    const objections = sessions.filter((session) => {
      const entry = catalog.get(session)
      return entry !== undefined && !this.isDue(entry)
    })
    return DueResponse.encode({ objections })
  }
}
