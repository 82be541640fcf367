// Coming back after a long time. Sessions were deleted meanwhile, and their tombstones may be forgotten: a peer that showed
// what it holds would bring them back. So it shows nothing yet, neither to users nor to peers. It asks those that were here
// which of its sessions they know, tombstones included; what none of them knows it sets aside, in a file, and says so.
//
// If nobody was here for longer than this peer, there is nobody who could have forgotten anything (all were down, say), and
// all is shown: at once if everyone has answered who was seen about before, else after a while. If nobody answers at all,
// it waits: for peers, or for somebody to say that they won't come.
import { hasCode, SessionMeshError } from '../../crdt/errors.ts'
import type { PeerId, Transport } from '../../transport/port.ts'
import { KnownRequest, KnownResponse } from '../../transport/wire/messages.js'
import type { Clock } from '../ports/clock.ts'
import type { Catalog } from '../sessions/catalog.ts'
import { delay } from '../util/timers.ts'
import { KNOWN, questions } from './known.ts'
import type { Note } from './last-alive.ts'

const LOOK_INTERVAL_MS = 250
const FAILED_PAUSE_MS = 5_000
const TIMEOUT_MS = 5_000
const NOTHING_ASKED: KnownRequest = { sessions: [], stateVectors: [] }

export interface ReturningOptions {
  readonly transport: Transport
  readonly clock: Clock
  readonly catalog: () => Catalog
  readonly tombstoneRetentionMs: number
  readonly clockSkewMaxMs: number
  /** How long it looks for those that may have been here, before it believes the others that were not. */
  readonly returnPatienceMs: number
  /** For so long after a start no peer forgets a tombstone. */
  readonly graceMs: number
  readonly allowed: (peer: PeerId) => boolean
  /** Writes these sessions to a file of their own, and says which. */
  readonly setAside: (sessions: readonly string[]) => Promise<string>
  readonly onSetAside: (snapshot: string, sessions: readonly string[]) => void
  readonly log: (level: 'info' | 'warn', message: string, fields?: object) => void
  readonly onError: (error: unknown) => void
}

export class Returning {
  readonly #options: ReturningOptions
  #note: Note | undefined
  #isOver = true
  #isAccepted = false
  #isStopped = false
  /** Who was waited for when that was last said. */
  #missed = ''

  constructor(options: ReturningOptions) {
    this.#options = options
  }

  /** Judges by what the last process noted. */
  begin(note: Note | undefined): void {
    this.#note = note
    this.#isOver = note === undefined || !note.hasMet || !this.#isLong(note.ranUntil)
  }

  /** Why nothing is shown, if so. */
  get reason(): string | undefined {
    if (this.#isOver || this.#note === undefined) return undefined
    const days = (this.#options.clock.now() - this.#note.ranUntil) / 86_400_000
    return `this peer was away for ${days.toFixed(1)} days and first asks the others which of its sessions were deleted meanwhile`
  }

  /** @throws PEER_RETURNING */
  assertOver(): void {
    const { reason } = this
    if (reason !== undefined) throw new SessionMeshError('PEER_RETURNING', reason)
  }

  /** Nobody else will come: what is held here is to be shown as it is. */
  accept(): boolean {
    this.#isAccepted = true
    return !this.#isOver
  }

  stop(): void {
    this.#isStopped = true
  }

  /** Resolves once what is held may be shown, or the peer stops. To be called once all sessions are read. */
  async settle(): Promise<void> {
    const { clock, log, onError, transport, allowed } = this.#options
    if (this.#isOver) return
    log('warn', this.reason ?? '')
    for (const { peer, addresses } of this.#note?.company ?? []) if (allowed(peer)) transport.learn(peer, addresses)
    const since = clock.monotonic()
    while (!this.#isStopped && !this.#isAccepted) {
      try {
        if (await this.#look(clock.monotonic() - since)) break
      } catch (error) {
        // Who can't be reached any more is left out the next time.
        if (!hasCode(error, 'PEER_UNREACHABLE') && !hasCode(error, 'REQUEST_TIMEOUT')) {
          onError(error)
          await delay(clock, FAILED_PAUSE_MS)
        }
      }
      await delay(clock, LOOK_INTERVAL_MS)
    }
    this.#isOver = !this.#isStopped
  }

  /** Whether all is decided. */
  async #look(waitedMs: number): Promise<boolean> {
    const { log } = this.#options
    const { met, missing } = await this.#meetAll()
    const ahead = [...met].filter(([, standing]) => this.#isAhead(standing))
    // One that was here longer, but does not know either yet: it will.
    if (ahead.some(([, { returning }]) => returning)) return false
    if (ahead.length === 0 && (met.size === 0 || this.#isAwaited(missing, waitedMs))) return false
    // Those that have just come back as well prove nothing.
    const present = [...met].flatMap(([peer, { returning }]) => (returning ? [] : [peer]))
    const unknown = await this.#unknownTo(present)
    if (ahead.length === 0) log('info', 'no other peer was here for longer: all is shown', { peers: met.size, missing })
    else if (unknown.length > 0) await this.#setAside(unknown)
    return true
  }

  /** Whether somebody may yet turn up who was here: someone is missing that was seen about, and it is not too late. */
  #isAwaited(missing: readonly PeerId[], waitedMs: number): boolean {
    const { returnPatienceMs, log } = this.#options
    const isKnown = (this.#note?.company.length ?? 0) > 0
    if ((isKnown && missing.length === 0) || waitedMs >= returnPatienceMs) return false
    if (missing.join() !== this.#missed) {
      log('info', 'those that were here while this peer was not may be among the missing: they are waited for', {
        missing,
        returnPatienceMs,
      })
    }
    this.#missed = missing.join()
    return true
  }

  /** What every peer says that can be reached, and every one that those know; and who does not answer. */
  async #meetAll(): Promise<{ met: Map<PeerId, KnownResponse>; missing: PeerId[] }> {
    const { transport, allowed } = this.#options
    const met = new Map<PeerId, KnownResponse>()
    const tried = new Set<PeerId>([transport.self])
    let next = transport.peers().filter(allowed)
    while (next.length > 0) {
      for (const peer of next) tried.add(peer)
      const answers = await Promise.all(next.map((peer) => this.#ask(peer, NOTHING_ASKED).catch(() => undefined)))
      const members = new Set<PeerId>()
      for (const [index, peer] of next.entries()) {
        const answer = answers[index]
        if (answer === undefined) continue
        met.set(peer, answer)
        for (const { peer: name, addresses } of answer.members) {
          const member = name as PeerId
          if (tried.has(member) || !allowed(member)) continue
          transport.learn(member, addresses)
          members.add(member)
        }
      }
      next = [...members]
    }
    const company = this.#note?.company.map(({ peer }) => peer) ?? []
    const expected = new Set([...company.filter(allowed), ...tried])
    return { met, missing: [...expected].filter((peer) => peer !== transport.self && !met.has(peer)).toSorted() }
  }

  /** Whether the peer may have forgotten a tombstone that this one needs. */
  #isAhead({ startedFrom, joinedMs }: KnownResponse): boolean {
    const { tombstoneRetentionMs, graceMs } = this.#options
    return joinedMs > graceMs || startedFrom > (this.#note?.ranUntil ?? 0) + tombstoneRetentionMs
  }

  /** Sessions that are alive here and that none of the peers knows as the same. Tombstones come with the answers. */
  async #unknownTo(peers: readonly PeerId[]): Promise<string[]> {
    const catalog = this.#options.catalog()
    const alive = [...catalog.entries()].filter(({ terminatedAt }) => terminatedAt === undefined).map(({ id }) => id)
    const unknown: string[] = []
    for (const question of questions(catalog, alive)) {
      const { sessions } = question
      const known = new Set<string>()
      for (const peer of peers) {
        const answer = await this.#ask(peer, question)
        for (const place of answer.known) if (sessions[place] !== undefined) known.add(sessions[place])
        for (const { session, update } of answer.ended) {
          catalog.receiveDiff(session, update, { origin: peer, boot: '', frameSequence: 0 })
        }
      }
      unknown.push(...sessions.filter((session) => !known.has(session)))
    }
    await catalog.settle()
    await catalog.journal.flush()
    return unknown.toSorted()
  }

  async #setAside(sessions: readonly string[]): Promise<void> {
    const { setAside, onSetAside, log } = this.#options
    const catalog = this.#options.catalog()
    const snapshot = await setAside(sessions)
    for (const session of sessions) {
      const entry = catalog.get(session)
      if (entry !== undefined) await catalog.forget(entry)
    }
    const message =
      'sessions that no other peer knows any more were set aside: `sessionmesh snapshot restore` brings them back'
    log('warn', message, { snapshot, sessions: sessions.length })
    onSetAside(snapshot, sessions)
  }

  async #ask(peer: PeerId, question: KnownRequest): Promise<KnownResponse> {
    const { transport } = this.#options
    const request = KnownRequest.encode(question)
    return KnownResponse.decode(await transport.request(peer, KNOWN, request, { timeoutMs: TIMEOUT_MS }))
  }

  /** Clocks differ: sooner rather than later. */
  #isLong(ranUntil: number): boolean {
    const { clock, tombstoneRetentionMs, clockSkewMaxMs } = this.#options
    return clock.now() - ranUntil > tombstoneRetentionMs - clockSkewMaxMs
  }
}
