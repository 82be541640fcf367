// The life of a session on this peer, as a transition table (DESIGN.md section 8). An illegal transition is a bug of
// ours and throws; every legal one is kept, the last few of them, for who asks what happened to a session.
import { SessionMeshError } from '../../crdt/errors.ts'
import type { LifecycleState, Transition } from '../api.ts'

const LEGAL: Readonly<Record<LifecycleState, readonly LifecycleState[]>> = {
  initializing: ['active', 'terminating'],
  active: ['syncing', 'failover', 'terminating'],
  syncing: ['active', 'failover', 'terminating'],
  failover: ['recovering', 'terminating'],
  recovering: ['active', 'failover', 'terminating'],
  terminating: [],
}

/** Transitions kept per session. */
const HISTORY_MAX = 16

export class Lifecycles {
  readonly #histories = new Map<string, Transition[]>()
  readonly #onTransition: (session: string, transition: Transition) => void
  readonly #isRecovering: (session: string) => boolean

  /** @param isRecovering whether a session that was on disk was not yet looked at */
  constructor(
    onTransition: (session: string, transition: Transition) => void,
    isRecovering: (session: string) => boolean = () => false,
  ) {
    this.#onTransition = onTransition
    this.#isRecovering = isRecovering
  }

  /** A session without history has been active since this peer knows it, or is recovering since the peer started. */
  state(session: string): LifecycleState {
    return this.#histories.get(session)?.at(-1)?.to ?? (this.#isRecovering(session) ? 'recovering' : 'active')
  }

  /** Told, and not kept: after a start there may be a million at once. */
  recovered(session: string, at: number): void {
    if (this.#histories.has(session)) return
    this.#onTransition(session, { from: 'recovering', to: 'active', at, cause: 'recovered after a start' })
  }

  history(session: string): readonly Transition[] {
    return this.#histories.get(session) ?? []
  }

  /** The session is no more, not even as a tombstone. */
  forget(session: string): void {
    this.#histories.delete(session)
  }

  begin(session: string, at: number, cause: string): void {
    this.#push(session, { from: null, to: 'initializing', at, cause })
  }

  /** Its home came here. If it was handed over, that needs nothing but to be noticed; if not, it must be adopted. */
  tookOver(session: string, at: number, cause: string, wasHandedOver: boolean): void {
    if (this.state(session) !== 'active') return
    this.move(session, 'failover', at, cause)
    this.move(session, 'recovering', at, cause)
    if (wasHandedOver) this.move(session, 'active', at, 'home is here')
  }

  /** It is sure that who is to keep it has the latest that is known. */
  adopted(session: string, at: number): void {
    if (this.#histories.get(session)?.at(-1)?.to === 'recovering') this.move(session, 'active', at, 'adopted')
  }

  /** @throws ILLEGAL_TRANSITION */
  move(session: string, to: LifecycleState, at: number, cause: string): void {
    const from = this.state(session)
    if (!LEGAL[from].includes(to)) {
      throw new SessionMeshError('ILLEGAL_TRANSITION', `session ${session}: ${from} → ${to} (${cause})`)
    }
    this.#push(session, { from, to, at, cause })
  }

  #push(session: string, transition: Transition): void {
    const history = this.#histories.get(session) ?? []
    this.#histories.set(session, history)
    history.push(transition)
    if (history.length > HISTORY_MAX) history.shift()
    this.#onTransition(session, transition)
  }
}
