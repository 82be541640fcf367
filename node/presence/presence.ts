// Ephemeral state across peers: who is present in a session, and what they show of themselves (cursors, names).
//
// A peer gossips its own users on one of a few topics, and only while the session is open here; changes of 50 ms go
// together. Who opens a session asks who is there, a few times, since gossip is lost to those who have just subscribed; and
// everything is told again now and then. When a peer dies, what it told goes with it. What comes from the network is
// bounded in rate and size, and nothing of it is kept on disk.
import { shardOf } from '../../crdt/index.ts'
import type { GossipMessage, PeerId, Transport, Verdict } from '../../transport/port.ts'
import { Presence as PresenceMessage } from '../../transport/wire/messages.js'
import { WIRE_VERSION } from '../membership/heartbeat.ts'
import type { PresenceChannel } from '../api.ts'
import type { Membership } from '../membership/membership.ts'
import type { Cancel, Clock } from '../ports/clock.ts'
import { every } from '../util/timers.ts'
import { readEntries, writeEntries, type PresenceEntry } from './awareness.ts'
import { PresenceRoom, type Held } from './room.ts'

/** Few: a peer that has very many sessions open must not be subscribed to very many topics. */
const TOPICS = 16
const FLUSH_MS = 50
/** When who has just opened a session asks, after that. */
const ASK_AT_MS: readonly number[] = [50, 500, 1_500]
/** How often all is told again … */
const RENEW_MS = 10_000
/** … and when what was not is forgotten. */
const STALE_MS = 35_000
const MESSAGE_BYTES_MAX = 256 * 1024
/** What is taken in of one peer, a second. */
const BYTES_PER_SECOND = 1024 * 1024

export interface PresenceOptions {
  readonly transport: Transport
  readonly membership: Membership
  readonly clock: Clock
  readonly allowed: (peer: PeerId) => boolean
  readonly shardCount: number
  readonly refuse: (reason: string, session: string, origin: string, detail: string) => void
  readonly onError: (error: unknown) => void
}

interface Listener {
  readonly hear: (update: Uint8Array) => void
  /** Its own users. */
  readonly ids: Set<number>
}

interface Open {
  readonly room: PresenceRoom
  readonly listeners: Set<Listener>
  /** To be told with the next flush. */
  readonly dirty: Map<number, PresenceEntry>
  asks: boolean
}

export class PresenceHub {
  readonly #options: PresenceOptions
  readonly #sessions = new Map<string, Open>()
  readonly #topics = new Map<number, { sessions: number; readonly unsubscribe: Cancel }>()
  readonly #budgets = new Map<PeerId, { bytes: number; since: number }>()
  readonly #cancels: Cancel[] = []
  #cancelFlush: Cancel | undefined

  constructor(options: PresenceOptions) {
    this.#options = options
  }

  start(): Cancel {
    const { membership, clock } = this.#options
    this.#cancels.push(
      membership.events.on('change', ({ peer, to, rebooted }) => {
        if (to === 'dead' || to === 'left' || rebooted) this.#drop(({ owner }) => owner === peer)
        if (to === 'alive') this.#askAll()
      }),
      every(clock, RENEW_MS, () => this.#renew()),
    )
    return () => this.#stop()
  }

  #stop(): void {
    for (const cancel of this.#cancels.splice(0)) cancel()
    this.#cancelFlush?.()
    for (const { unsubscribe } of this.#topics.values()) unsubscribe()
    this.#topics.clear()
    this.#sessions.clear()
  }

  /** @param hear what others than the caller tell, from now on */
  join(session: string, hear: (update: Uint8Array) => void): PresenceChannel {
    const open = this.#sessions.get(session) ?? this.#open(session)
    const listener: Listener = { hear, ids: new Set() }
    open.listeners.add(listener)
    let isClosed = false
    return {
      tell: (update) => {
        if (!isClosed) this.#tell(open, listener, readEntries(update))
      },
      present: () => writeEntries(open.room.present()),
      close: () => {
        if (isClosed) return
        isClosed = true
        this.#tell(open, listener, goneOf(open.room, listener.ids))
        open.listeners.delete(listener)
        if (open.listeners.size > 0) return
        this.#flush()
        this.#close(session, open)
      },
    }
  }

  #open(session: string): Open {
    const { transport, clock } = this.#options
    const open: Open = { room: new PresenceRoom(), listeners: new Set(), dirty: new Map(), asks: false }
    this.#sessions.set(session, open)
    const topic = this.#topicOf(session)
    const known = this.#topics.get(topic)
    if (known !== undefined) known.sessions++
    else {
      const unsubscribe = transport.subscribe(nameOf(topic), (message) => this.#receive(message))
      this.#topics.set(topic, { sessions: 1, unsubscribe })
    }
    for (const delayMs of ASK_AT_MS) clock.setTimer(delayMs, () => this.#ask(session, open))
    return open
  }

  #close(session: string, open: Open): void {
    if (this.#sessions.get(session) !== open) return
    this.#sessions.delete(session)
    const topic = this.#topicOf(session)
    const subscription = this.#topics.get(topic)
    if (subscription === undefined || --subscription.sessions > 0) return
    subscription.unsubscribe()
    this.#topics.delete(topic)
  }

  #topicOf(session: string): number {
    return shardOf(session, this.#options.shardCount) % TOPICS
  }

  #tell(open: Open, by: Listener, entries: readonly PresenceEntry[]): void {
    const news = open.room.take(entries, undefined, this.#options.clock.monotonic())
    for (const entry of news) {
      open.dirty.set(entry.id, entry)
      if (entry.state === undefined) by.ids.delete(entry.id)
      else by.ids.add(entry.id)
    }
    this.#hear(open, news, by)
    if (news.length > 0) this.#flushSoon()
  }

  #hear(open: Open, news: readonly PresenceEntry[], except?: Listener): void {
    if (news.length === 0) return
    const update = writeEntries(news)
    for (const listener of open.listeners) {
      if (listener === except) continue
      try {
        listener.hear(update)
      } catch (error) {
        this.#options.onError(error)
      }
    }
  }

  #receive({ from, bytes }: GossipMessage): Verdict {
    if (!this.#options.allowed(from)) return this.#reject('stranger', from, 'not in allowedPeers')
    if (!this.#affords(from, bytes.length)) {
      this.#options.refuse('presence-flood', '', from, `more than ${BYTES_PER_SECOND} bytes a second`)
      return 'accept'
    }
    try {
      const { version, sessions } = PresenceMessage.decode(bytes)
      if (version !== WIRE_VERSION) throw new Error(`version ${version}`)
      for (const { session, update, asks } of sessions) {
        const open = this.#sessions.get(session)
        if (open === undefined) continue
        this.#hear(open, open.room.take(readEntries(update), from, this.#options.clock.monotonic()))
        if (asks) this.#tellAll(open)
      }
      return 'accept'
    } catch (error) {
      return this.#reject('malformed-presence', from, error instanceof Error ? error.message : String(error))
    }
  }

  #reject(reason: string, from: PeerId, detail: string): Verdict {
    this.#options.refuse(reason, '', from, detail)
    return 'reject'
  }

  #affords(peer: PeerId, bytes: number): boolean {
    const now = this.#options.clock.monotonic()
    const budget = this.#budgets.get(peer) ?? { bytes: BYTES_PER_SECOND, since: now }
    this.#budgets.set(peer, budget)
    budget.bytes = Math.min(BYTES_PER_SECOND, budget.bytes + ((now - budget.since) / 1_000) * BYTES_PER_SECOND)
    budget.since = now
    if (budget.bytes < bytes) return false
    budget.bytes -= bytes
    return true
  }

  #drop(isGone: (held: Held) => boolean): void {
    for (const open of this.#sessions.values()) this.#hear(open, open.room.drop(isGone))
  }

  #ask(session: string, open: Open): void {
    if (this.#sessions.get(session) !== open) return
    open.asks = true
    this.#flushSoon()
  }

  #askAll(): void {
    for (const [session, open] of this.#sessions) {
      for (const delayMs of ASK_AT_MS) this.#options.clock.setTimer(delayMs, () => this.#ask(session, open))
    }
  }

  #tellAll(open: Open): void {
    for (const entry of open.room.own()) open.dirty.set(entry.id, entry)
    this.#flushSoon()
  }

  #renew(): void {
    const now = this.#options.clock.monotonic()
    for (const open of this.#sessions.values()) this.#tellAll(open)
    // Those of this peer are taken back by who told of them.
    this.#drop(({ owner, state, at }) => now - at > STALE_MS && (owner !== undefined || state === undefined))
    for (const peer of this.#budgets.keys())
      if (this.#options.membership.get(peer) === undefined) this.#budgets.delete(peer)
  }

  #flushSoon(): void {
    this.#cancelFlush ??= this.#options.clock.setTimer(FLUSH_MS, () => this.#flush())
  }

  #flush(): void {
    this.#cancelFlush?.()
    this.#cancelFlush = undefined
    const byTopic = new Map<number, PresenceMessage['sessions']>()
    for (const [session, open] of this.#sessions) {
      if (open.dirty.size === 0 && !open.asks) continue
      const topic = this.#topicOf(session)
      const told = { session, update: writeEntries([...open.dirty.values()]), asks: open.asks }
      byTopic.set(topic, [...(byTopic.get(topic) ?? []), told])
      open.dirty.clear()
      open.asks = false
    }
    for (const [topic, sessions] of byTopic) this.#publish(topic, sessions)
  }

  /** In messages of a bounded size; what one session has is never more than a few. */
  #publish(topic: number, sessions: PresenceMessage['sessions']): void {
    const { transport, onError } = this.#options
    let part: PresenceMessage['sessions'] = []
    let bytes = 0
    const send = () => {
      if (part.length === 0) return
      transport.publish(nameOf(topic), PresenceMessage.encode({ version: WIRE_VERSION, sessions: part })).catch(onError)
      part = []
      bytes = 0
    }
    for (const told of sessions) {
      if (bytes + told.update.length > MESSAGE_BYTES_MAX) send()
      part.push(told)
      bytes += told.update.length
    }
    send()
  }
}

function nameOf(topic: number): string {
  return `presence/${topic}`
}

function goneOf(room: PresenceRoom, ids: ReadonlySet<number>): PresenceEntry[] {
  return room.own().flatMap(({ id, clock }) => (ids.has(id) ? [{ id, clock, state: undefined }] : []))
}
