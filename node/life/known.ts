// Answers peers that come back after a long time: who has been here meanwhile, and which of their sessions are known.
import * as Y from 'yjs'
import { decodeStateVector, isTerminated, SessionMeshError } from '../../crdt/index.ts'
import type { PeerId, Transport } from '../../transport/port.ts'
import { KnownRequest, KnownResponse, type Entry as WireEntry } from '../../transport/wire/messages.js'
import type { Clock } from '../ports/clock.ts'
import type { Catalog } from '../sessions/catalog.ts'
import { isHeld } from '../sessions/entry.ts'

export const KNOWN = 'known'
/** Sessions asked for in one request, and bytes of state vectors past which none is added. */
const SESSIONS_MAX = 1_024
const BYTES_MAX = 4 * 1024 * 1024

export interface KnownOptions {
  readonly transport: Transport
  readonly clock: Clock
  readonly catalog: () => Catalog
  /** Until when the last process ran, ms since the epoch. */
  readonly startedFrom: () => number
  /** When this one joined the mesh, monotonic ms; undefined: not yet. */
  readonly joinedAt: () => number | undefined
  /** Peers that know of this time, or may: the live ones, and soon after a start those from before it. */
  readonly members: () => readonly { readonly peer: PeerId; readonly addresses: readonly string[] }[]
  readonly allowed: (peer: PeerId) => boolean
  readonly refuse: (reason: string, session: string, origin: string, detail: string) => void
}

/** These sessions of the catalog, as requests of bounded size. */
export function* questions(catalog: Catalog, sessions: readonly string[]): Generator<KnownRequest> {
  let question: KnownRequest = { sessions: [], stateVectors: [] }
  let bytes = 0
  for (const session of sessions) {
    const stateVector = catalog.stateVectorBytes(session)
    question.sessions.push(session)
    question.stateVectors.push(stateVector)
    bytes += stateVector.length
    if (question.sessions.length < SESSIONS_MAX && bytes < BYTES_MAX) continue
    yield question
    question = { sessions: [], stateVectors: [] }
    bytes = 0
  }
  if (question.sessions.length > 0) yield question
}

export function serveKnown(options: KnownOptions): void {
  const { transport, allowed, refuse } = options
  transport.handle(KNOWN, async (from, bytes) => {
    if (!allowed(from)) throw new SessionMeshError('FORBIDDEN', `${from} is not in allowedPeers`)
    try {
      return await answer(options, bytes)
    } catch (error) {
      refuse('malformed-known', '', from, error instanceof Error ? error.message : String(error))
      throw error
    }
  })
}

async function answer(options: KnownOptions, bytes: Uint8Array): Promise<Uint8Array> {
  const { clock, startedFrom, joinedAt, members } = options
  const { sessions, stateVectors } = KnownRequest.decode(bytes)
  if (sessions.length > SESSIONS_MAX) {
    throw new SessionMeshError('INVALID_MESSAGE', `${sessions.length} sessions, at most ${SESSIONS_MAX}`)
  }
  const { known, ended } = await lookUp(options.catalog(), { sessions, stateVectors })
  const joined = joinedAt()
  return KnownResponse.encode({
    startedFrom: Math.max(0, Math.round(startedFrom())),
    joinedMs: joined === undefined ? 0 : Math.round(clock.monotonic() - joined),
    returning: joined === undefined,
    members: members().map(({ peer, addresses }) => ({ peer, addresses: [...addresses] })),
    known,
    ended,
  })
}

async function lookUp(
  catalog: Catalog,
  { sessions, stateVectors }: KnownRequest,
): Promise<{ known: number[]; ended: WireEntry[] }> {
  const known: number[] = []
  const ended: WireEntry[] = []
  for (const [place, session] of sessions.entries()) {
    const entry = catalog.get(session)
    if (entry === undefined || !isHeld(entry)) continue
    if (isAnother(stateVectors[place], catalog.stateVectorBytes(session))) continue
    known.push(place)
    // What has just come nobody has looked at yet: it may be a tombstone.
    if (entry.terminatedAt === undefined && entry.dirtySince === undefined) continue
    const doc = await catalog.acquire(entry)
    if (isTerminated(doc)) ended.push({ session, update: Y.encodeStateAsUpdate(doc) })
    catalog.release(entry)
  }
  return { known, ended }
}

/**
 * Whether two documents of one id have nothing in common: the id was used again, for another session, once the deletion of
 * the first was forgotten. What the asker has of that would come back with it.
 */
function isAnother(theirs: Uint8Array | undefined, ours: Uint8Array): boolean {
  const [asked, held] = [decodeStateVector(theirs ?? NOTHING), decodeStateVector(ours)]
  return asked.size > 0 && held.size > 0 && [...asked.keys()].every((client) => !held.has(client))
}

const NOTHING = new Uint8Array([0])
