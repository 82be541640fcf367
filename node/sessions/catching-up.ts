// Reads that must show at least so much (docs/GUARANTEES.md, section 2): what a causal token stands for, or what the
// majority of the live replicas has. The peer looks at what is here first, asks everyone who may have more, and looks
// again whenever the session changes, until it has it or time is up.
import { covers, isTerminated, parseToken, SessionMeshError, type CausalToken } from '../../crdt/index.ts'
import type { ReadOptions } from '../api.ts'
import type { Life } from '../life/service.ts'
import type { Clock } from '../ports/clock.ts'
import type { Answers } from '../replication/fetching.ts'
import type { Replication } from '../replication/replication.ts'
import { delay } from '../util/timers.ts'
import type { Catalog } from './catalog.ts'
import { notFound, type Finding } from './finding.ts'

const TIMEOUT_DEFAULT_MS = 5_000
/** A token says what is waited for, and anybody may make one up: nobody is waited for longer than that. */
const TIMEOUT_MAX_MS = 60_000
/** What was written elsewhere is often on its way here: it is given so long before anybody is asked. */
const HEAD_START_MS = 30
/** How long one round of asking waits for who does not answer: then it may be known who is alive. */
const ROUND_MS = 1_500
/** Between one round of asking and the next, doubled each time. */
const PAUSE_MIN_MS = 20
const PAUSE_MAX_MS = 1_000

/** What a read waits for. */
export interface Wanted {
  readonly token: CausalToken | undefined
  /** Who must have been asked first, whatever is here. */
  readonly ask: 'nobody' | 'majority' | 'everyone'
  readonly timeoutMs: number
}

/** Undefined: whatever is here will do. @throws INVALID_ARGUMENT, INVALID_TOKEN */
export function resolveReadOptions(session: string, options: ReadOptions): Wanted | undefined {
  const { after, freshness = 'local', timeoutMs = TIMEOUT_DEFAULT_MS } = options
  if (freshness !== 'local' && freshness !== 'quorum') {
    throw new SessionMeshError(
      'INVALID_ARGUMENT',
      `freshness ${JSON.stringify(freshness)}: expected 'local' or 'quorum'`,
    )
  }
  if (after === undefined && freshness === 'local') return undefined
  if (!(timeoutMs >= 0)) throw new SessionMeshError('INVALID_ARGUMENT', `timeoutMs ${timeoutMs}: expected 0 or more`)
  const token = after === undefined ? undefined : parseToken(session, after)
  const isListed = token?.isExact !== false
  const ask = !isListed ? 'everyone' : freshness === 'quorum' ? 'majority' : 'nobody'
  return { token, ask, timeoutMs: Math.min(timeoutMs, TIMEOUT_MAX_MS) }
}

export interface CatchingUpOptions {
  readonly catalog: () => Catalog
  readonly replication: Replication
  readonly finding: Finding
  readonly clock: Clock
  readonly life: Pick<Life, 'assertShown'>
}

/** One who waits for a session; `wake` makes it look again. */
interface Waiter {
  wake: () => void
  isLate: boolean
}

export class CatchingUp {
  readonly #options: CatchingUpOptions
  readonly #waiters = new Map<string, Set<Waiter>>()

  constructor(options: CatchingUpOptions) {
    this.#options = options
  }

  /** To be called when a session was changed. */
  changed(session: string): void {
    for (const waiter of this.#waiters.get(session) ?? []) waiter.wake()
  }

  /**
   * Resolves once all that is wanted is here, or the session is known to have ended.
   * @throws SESSION_BEHIND, SESSION_UNAVAILABLE, SESSION_NOT_FOUND when time is up
   */
  async reach(session: string, { token, ask, timeoutMs }: Wanted): Promise<void> {
    this.#options.life.assertShown()
    const deadline = this.#options.clock.monotonic() + timeoutMs
    if (ask !== 'nobody') await this.#askFirst(session, ask, deadline)
    if (token !== undefined) await this.#await(session, token, deadline)
  }

  /** @throws SESSION_UNAVAILABLE */
  async #askFirst(session: string, ask: 'majority' | 'everyone', deadline: number): Promise<void> {
    const { replication, clock } = this.#options
    const isEnough = (answers: Answers) =>
      ask === 'majority' ? replication.isMajority(session, answers) : !isAnySilent(answers)
    for (let pause = PAUSE_MIN_MS; ; pause = Math.min(pause * 2, PAUSE_MAX_MS)) {
      const leftMs = Math.max(0, deadline - clock.monotonic())
      const answers = await replication.gather(session, Math.min(leftMs, ROUND_MS), isEnough)
      if (isEnough(answers)) return
      if (clock.monotonic() + pause >= deadline) {
        const silent = [...answers.values()].filter((answer) => answer === 'silent').length
        const message = `${silent} of ${answers.size} peers that may hold session ${session} did not answer in time`
        throw new SessionMeshError('SESSION_UNAVAILABLE', message)
      }
      await delay(clock, pause)
    }
  }

  /** @throws SESSION_BEHIND, SESSION_NOT_FOUND */
  async #await(session: string, token: CausalToken, deadline: number): Promise<void> {
    const { clock } = this.#options
    const waiter: Waiter = { wake: () => {}, isLate: false }
    const waiters = this.#waiters.get(session) ?? new Set()
    this.#waiters.set(session, waiters)
    waiters.add(waiter)
    const cancel = clock.setTimer(Math.max(0, deadline - clock.monotonic()), () => {
      waiter.isLate = true
      waiter.wake()
    })
    try {
      await this.#look(session, token, waiter)
    } finally {
      cancel()
      waiters.delete(waiter)
      if (waiters.size === 0 && this.#waiters.get(session) === waiters) this.#waiters.delete(session)
    }
  }

  async #look(session: string, token: CausalToken, waiter: Waiter): Promise<void> {
    const { clock } = this.#options
    let asking: Promise<void> | undefined = this.#options.replication.isCurrent(session)
      ? delay(clock, HEAD_START_MS).then(() => {
          asking = undefined
        })
      : undefined
    let last: Answers = new Map()
    let pause = PAUSE_MIN_MS
    for (;;) {
      const changed = new Promise<void>((resolve) => (waiter.wake = resolve))
      const seen = await this.#seen(session, token)
      if (seen === 'enough') return
      if (waiter.isLate) throw seen === 'nothing' && !isAnySilent(last) ? notFound(session) : behind(session)
      asking ??= this.#gather(session).then((answers) => {
        last = answers
        waiter.wake()
        const paused = delay(clock, pause).then(() => {
          asking = undefined
          waiter.wake()
        })
        pause = Math.min(pause * 2, PAUSE_MAX_MS)
        return paused
      })
      await Promise.race([changed, asking])
    }
  }

  #gather(session: string): Promise<Answers> {
    return this.#options.replication.gather(session, ROUND_MS, () => false)
  }

  async #seen(session: string, token: CausalToken): Promise<'nothing' | 'less' | 'enough'> {
    const { catalog, finding } = this.#options
    const entry = await finding.held(session)
    if (entry === undefined) return 'nothing'
    const doc = await catalog().acquire(entry)
    try {
      // No more will come of a session that has ended.
      return isTerminated(doc) || covers(doc, token) ? 'enough' : 'less'
    } finally {
      catalog().release(entry)
    }
  }
}

function isAnySilent(answers: Answers): boolean {
  return [...answers.values()].includes('silent')
}

function behind(session: string): SessionMeshError {
  const message = `what the token of session ${session} stands for could not be had in time`
  return new SessionMeshError('SESSION_BEHIND', message)
}
