// Presence in one open session, as its user sees it.
import { SessionMeshError } from '../../crdt/errors.ts'
import type { Presence, PresenceChannel } from '../api.ts'
import type { Cancel, Clock } from '../ports/clock.ts'
import { every } from '../util/timers.ts'
import { readEntries, STATE_LENGTH_MAX, writeEntries } from './awareness.ts'

/** Awareness of y-protocols forgets who has not been told of anew, with a higher clock, for 30 s. */
const RENEW_MS = 10_000

export interface SessionPresenceOptions {
  readonly join: (hear: (update: Uint8Array) => void) => PresenceChannel
  readonly clock: Clock
  /** Of this user: drawn anew for each. */
  readonly id: number
}

export class SessionPresence implements Presence {
  readonly id: number
  readonly #options: SessionPresenceOptions
  readonly #states = new Map<number, Readonly<Record<string, unknown>>>()
  readonly #listeners = new Set<() => void>()
  readonly #channel: PresenceChannel
  readonly #shared = new Set<PresenceChannel>()
  readonly #cancelRenew: Cancel
  #clock = 0
  #state: string | undefined

  constructor(options: SessionPresenceOptions) {
    this.#options = options
    this.id = options.id
    this.#channel = options.join((update) => this.#hear(update))
    this.#hear(this.#channel.present())
    this.#cancelRenew = every(options.clock, RENEW_MS, () => {
      if (this.#state !== undefined) this.#tell()
    })
  }

  states(): ReadonlyMap<number, Readonly<Record<string, unknown>>> {
    return this.#states
  }

  set(state: Readonly<Record<string, unknown>> | null): void {
    const text = JSON.stringify(state)
    if (text === undefined || text.length > STATE_LENGTH_MAX) {
      const message = `presence: expected an object of at most ${STATE_LENGTH_MAX} characters of JSON, or null`
      throw new SessionMeshError('INVALID_ARGUMENT', message)
    }
    this.#state = state === null ? undefined : text
    this.#tell()
  }

  on(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  share(hear: (update: Uint8Array) => void): PresenceChannel {
    const channel = this.#options.join(hear)
    this.#shared.add(channel)
    return channel
  }

  close(): void {
    this.#cancelRenew()
    this.#listeners.clear()
    for (const channel of [this.#channel, ...this.#shared]) channel.close()
  }

  #tell(): void {
    const entry = { id: this.id, clock: ++this.#clock, state: this.#state }
    const update = writeEntries([entry])
    this.#channel.tell(update)
    this.#hear(update)
  }

  #hear(update: Uint8Array): void {
    for (const { id, state } of readEntries(update)) {
      if (state === undefined) this.#states.delete(id)
      else this.#states.set(id, JSON.parse(state) as Readonly<Record<string, unknown>>)
    }
    for (const listener of this.#listeners) listener()
  }
}
