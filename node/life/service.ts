// The life and death of sessions as a part of a peer: built from its ports and settings, told of changes, started and
// stopped with it.
import type { PeerId, Transport } from '../../transport/port.ts'
import type { PeerEvents } from '../api.ts'
import type { PeerConfig } from '../config.ts'
import type { Homes } from '../membership/homes.ts'
import type { Membership } from '../membership/membership.ts'
import type { Cancel, Clock } from '../ports/clock.ts'
import type { Counters } from '../replication/counters.ts'
import type { Replication } from '../replication/replication.ts'
import type { Catalog } from '../sessions/catalog.ts'
import type { Entry } from '../sessions/entry.ts'
import type { Lifecycles } from '../sessions/lifecycle.ts'
import type { Store } from '../ports/store.ts'
import type { Emitter } from '../util/emitter.ts'
import { Agreement } from './agreement.ts'
import { Expiry } from './expiry.ts'
import { serveKnown } from './known.ts'
import { LastAlive } from './last-alive.ts'
import { Retention } from './retention.ts'
import { Returning } from './returning.ts'

export interface LifeOptions {
  readonly transport: Transport
  readonly clock: Clock
  readonly catalog: () => Catalog
  readonly store: Store
  readonly config: PeerConfig
  readonly membership: Membership
  readonly homes: Homes
  readonly replication: Replication
  readonly lifecycles: Lifecycles
  readonly counters: Counters
  readonly allowed: (peer: PeerId) => boolean
  /** Writes these sessions to a file of their own, and says which. */
  readonly setAside: (sessions: readonly string[]) => Promise<string>
  readonly log: (level: 'info' | 'warn', message: string, fields?: object) => void
  readonly events: Emitter<PeerEvents>
  readonly onError: (error: unknown) => void
}

export interface Life {
  readonly retention: Retention
  readonly returning: Returning
  /** Throws as long as nothing that is held may be shown. */
  readonly assertShown: () => void
  /** Whether a session's time is over, though it has not ended yet. */
  isOver(entry: Entry): boolean
  /** Finds out how long the peer has been away. To be called before anything is shown of it. */
  begin(): Promise<void>
  /** To be called when what the catalog knows of a session's record may have changed. */
  described(entry: Entry): void
  /** To be called when somebody uses a session at this peer. */
  active(entry: Entry): void
  /** Begins to end sessions, and to answer others. To be called once the peer is in the mesh. */
  start(): Cancel
}

export function createLife(options: LifeOptions): Life {
  const { transport, config, membership, homes, replication, lifecycles, counters, events } = options
  const agreement = new Agreement({ ...options, ...config, refuse: counters.refuse })
  const retention = new Retention({
    ...options,
    ...config,
    onForgotten: (session) => lifecycles.forget(session),
  })
  const members = () => membership.live().map(({ info }) => info)
  const lastAlive = new LastAlive({ ...options, ...config, members })
  const onSetAside = (snapshot: string, sessions: readonly string[]) => events.emit('setAside', { snapshot, sessions })
  const returning = new Returning({ ...options, ...config, graceMs: retention.graceMs, onSetAside })
  const expiry = new Expiry({
    ...options,
    ...config,
    agreement,
    members: () => membership.records(),
    isHome: (entry) => keeperOf(entry, homes, replication) === transport.self,
    room: () => replication.room(),
    purgeAt: (now) => retention.purgeAt(now),
    onExpired(session, at) {
      lifecycles.move(session, 'terminating', at, 'expired')
      events.emit('expired', { session, at })
    },
  })
  return {
    retention,
    returning,
    assertShown: () => returning.assertOver(),
    isOver: (entry) => agreement.isGivenUp(entry),
    async begin() {
      const note = await lastAlive.read()
      returning.begin(note)
      serveKnown({
        ...options,
        startedFrom: () => note?.ranUntil ?? 0,
        joinedAt: () => retention.startedAt,
        members: () => (retention.isInGrace ? [...(note?.company ?? []), ...members()] : members()),
        refuse: counters.refuse,
      })
    },
    described(entry) {
      if (entry.terminatedAt === undefined) expiry.note(entry)
      else retention.note(entry)
    },
    active: (entry) => agreement.active(entry),
    start() {
      agreement.serve()
      const stopMeeting = membership.events.on('change', ({ peer, to }) => {
        const record = membership.get(peer)
        if (to === 'alive' && record !== undefined) lastAlive.met(record.info)
      })
      const cancels = [expiry.start(), retention.start(), lastAlive.start(), stopMeeting]
      return () => {
        for (const cancel of cancels) cancel()
      }
    },
  }
}

/** Who sees to the session's end: its home, or the first that keeps it. A pin may be no replica and know nothing of it. */
function keeperOf(entry: Entry, homes: Homes, replication: Replication): PeerId | undefined {
  const home = homes.of(entry)
  const replicas = replication.replicasOf(entry.shard)
  return replicas.includes(home) ? home : replicas[0]
}
