// Getting a session that is not kept here, or not wholly yet, from those that keep it. The best of them is asked for all
// of it, then the others for what they have beyond that: a write that one replica has acknowledged is not overlooked.
import { decodeStateVector, SessionMeshError, shardOf } from '../../crdt/index.ts'
import type { PeerId } from '../../transport/port.ts'
import { PullRequest, PullResponse, type SessionDiff } from '../../transport/wire/messages.js'
import type { HeldState } from '../api.ts'
import type { Clock } from '../ports/clock.ts'
import { delay } from '../util/timers.ts'
import { PULL, takeIn, type ExchangeOptions } from './exchange-server.ts'
import type { Following } from './following.ts'

/** How long a replica is given to answer; one that can't be reached at all is tried again until then. */
const GIVE_UP_MS = 3_000
const ASK_AGAIN_MS = 100
/** After so long without an answer of the first the others are asked, too. */
const HEDGE_MS = 150
/** Once one has answered, the others are waited for so long: what they have beyond it is worth that much. */
const MOMENT_MS = 200

export interface FetchingOptions {
  readonly exchange: ExchangeOptions
  readonly following: Following
  readonly clock: Clock
  readonly shardCount: number
}

type Take = (peer: PeerId, update: Uint8Array, stateVector: Uint8Array) => Promise<void>

export class Fetching {
  readonly #options: FetchingOptions

  constructor(options: FetchingOptions) {
    this.#options = options
  }

  /**
   * Brings the session here. Whether anybody knew it: nobody does once all have said so, or after a while one that
   * holds all of the shard.
   * @throws SESSION_UNAVAILABLE if there was no such answer
   */
  async bring(session: string): Promise<boolean> {
    const { catalog } = this.#options.exchange
    const stateVector = () => catalog.stateVectorBytes(session)
    const known = await this.#askAll(session, stateVector, (peer, update) => this.#keep(session, peer, update))
    if (known) await this.#fetched(session)
    return known
  }

  /**
   * Asks everyone at once for what they have beyond what is here, and takes it in as it comes. Resolves when all have
   * answered, or a moment after enough of them have.
   */
  async gather(session: string, timeoutMs: number, isEnough: (answers: Answers) => boolean): Promise<Answers> {
    const { exchange, clock } = this.#options
    const answers = new Map<PeerId, Answer>()
    let enough = () => {}
    const isHeard = new Promise<void>((resolve) => (enough = resolve))
    const stateVector = exchange.catalog.stateVectorBytes(session)
    const asks = this.#sources(session).map(async (source) => {
      answers.set(source.peer, 'silent')
      const take: Take = (peer, update) => this.#keep(session, peer, update)
      answers.set(source.peer, await this.#ask(source, session, stateVector, take, timeoutMs))
      if (isEnough(answers)) enough()
    })
    const all = Promise.all(asks)
    // Who answers later may still bring something, or fail at it.
    all.catch(() => {})
    await Promise.race([all, isHeard.then(() => delay(clock, MOMENT_MS))])
    if ([...answers.values()].includes('known')) await this.#fetched(session)
    return new Map(answers)
  }

  async #keep(session: string, peer: PeerId, update: Uint8Array): Promise<void> {
    const { exchange, following } = this.#options
    const { catalog, holdings } = exchange
    const isNew = catalog.get(session) === undefined
    await takeIn(catalog, session, update, { origin: peer, boot: '', frameSequence: 0 })
    const entry = catalog.get(session)
    if (isNew && entry !== undefined && !holdings.replicates(entry.shard)) following.setCopy(entry, true)
  }

  async #fetched(session: string): Promise<void> {
    const { exchange, following } = this.#options
    await exchange.catalog.journal.flush()
    following.fetched(session)
  }

  /** The session's content as updates, with nothing kept here; undefined if nobody knows it. @throws SESSION_UNAVAILABLE */
  async peek(session: string): Promise<Uint8Array[] | undefined> {
    const updates: Uint8Array[] = []
    let stateVector: Uint8Array = new Uint8Array()
    const known = await this.#askAll(
      session,
      () => stateVector,
      async (_peer, update, theirs) => {
        if (updates.length === 0) stateVector = theirs
        updates.push(update)
      },
    )
    return known ? updates : undefined
  }

  async #askAll(session: string, stateVector: () => Uint8Array, take: Take): Promise<boolean> {
    const { clock } = this.#options
    const deadline = clock.monotonic() + GIVE_UP_MS
    for (;;) {
      const sources = this.#sources(session)
      if (sources.length === 0) return false
      const answers = await this.#askOnce(sources, session, stateVector, take)
      if (answers.includes('known')) return true
      if (!answers.includes('silent')) return false
      if (clock.monotonic() < deadline) await delay(clock, ASK_AGAIN_MS)
      else if (answers.includes('unknown to a replica') || this.#isWholeHere(session)) return false
      else break
    }
    throw new SessionMeshError('SESSION_UNAVAILABLE', `no replica of session ${session} answers`)
  }

  async #askOnce(
    sources: readonly Source[],
    session: string,
    stateVector: () => Uint8Array,
    take: Take,
  ): Promise<Answer[]> {
    const { clock } = this.#options
    const answers = sources.map((): Answer => 'silent')
    let found = () => {}
    const isFound = new Promise<void>((resolve) => (found = resolve))
    const ask = async (source: Source, index: number) => {
      const answer = await this.#ask(source, session, stateVector(), take)
      answers[index] = answer
      if (answer === 'known') found()
    }
    const [best, ...rest] = sources
    if (best === undefined) return []
    const first = ask(best, 0)
    await Promise.race([first, delay(clock, HEDGE_MS)])
    const all = Promise.all([first, ...rest.map((source, index) => ask(source, index + 1))])
    // Who answers later may still bring something, or fail at it.
    all.catch(() => {})
    await Promise.race([all, isFound.then(() => delay(clock, MOMENT_MS))])
    return answers
  }

  async #ask(
    { peer, isWhole }: Source,
    session: string,
    stateVector: Uint8Array,
    take: Take,
    timeoutMs = GIVE_UP_MS,
  ): Promise<Answer> {
    const { transport } = this.#options.exchange
    const request = PullRequest.encode({ sessions: [{ session, stateVector }] })
    let diff: SessionDiff | undefined
    try {
      const bytes = await transport.request(peer, PULL, request, { timeoutMs })
      diff = PullResponse.decode(bytes).sessions.find((candidate) => candidate.session === session)
      if (diff?.known === true) decodeStateVector(diff.stateVector)
    } catch {
      return 'silent'
    }
    if (diff === undefined) return 'silent'
    if (!diff.known) return isWhole ? 'unknown to a replica' : 'unknown'
    await take(peer, diff.update, diff.stateVector)
    return 'known'
  }

  #isWholeHere(session: string): boolean {
    const { exchange, shardCount } = this.#options
    return exchange.holdings.isCurrent(shardOf(session, shardCount))
  }

  /** Everyone who says that it holds anything of the shard, or should: those with most of it first. */
  #sources(session: string): Source[] {
    const { exchange, shardCount } = this.#options
    const shard = shardOf(session, shardCount)
    const holders = exchange.sets.holders(shard).toSorted((a, b) => ORDER[a.state] - ORDER[b.state])
    const sources = holders.map(({ peer, state }) => ({ peer, isWhole: ORDER[state] < ORDER.acquiring }))
    const others = exchange.sets.of(shard).others.filter((peer) => !holders.some((holder) => holder.peer === peer))
    return [...sources, ...others.map((peer) => ({ peer, isWhole: false }))]
  }
}

interface Source {
  readonly peer: PeerId
  /** It says that it holds all of the shard. */
  readonly isWhole: boolean
}

/** `silent`: none came, or it could not be read. */
export type Answer = 'known' | 'unknown' | 'unknown to a replica' | 'silent'
export type Answers = ReadonlyMap<PeerId, Answer>

const ORDER: Readonly<Record<HeldState, number>> = { complete: 0, releasing: 1, acquiring: 2, partial: 3 }
