// The composition root: builds one peer from its ports and starts and stops its parts in order.
//   start: store → identity → catalog (reads the disk) → transport → replication → membership; stop: in reverse
import type { PeerId, Transport } from '../transport/port.ts'
import type { HandoverStatus, Health, HealthCheck, Member, Peer, PeerEvents, StoreAdmin, Sync } from './api.ts'
import type { PeerConfig } from './config.ts'
import { hasCode, SessionMeshError } from '../crdt/errors.ts'
import { Failover } from './failover.ts'
import { checkHealth } from './health.ts'
import { identitySeed, newClientId, nextBootId } from './identity.ts'
import { createLife, type Life } from './life/service.ts'
import { describeMember, describeMembers } from './membership/describe-members.ts'
import { Homes, type Takeover } from './membership/homes.ts'
import { Membership } from './membership/membership.ts'
import { ReplicaSets } from './membership/replica-sets.ts'
import type { Cancel, Clock } from './ports/clock.ts'
import type { Random } from './ports/random.ts'
import type { SnapshotTarget } from './ports/snapshot-target.ts'
import type { Store } from './ports/store.ts'
import { Counters } from './replication/counters.ts'
import { OwnHoldings } from './replication/holdings.ts'
import { Replication } from './replication/replication.ts'
import { Catalog } from './sessions/catalog.ts'
import { Integrity } from './sessions/integrity.ts'
import { Lifecycles } from './sessions/lifecycle.ts'
import { Sessions, type SessionsOptions } from './sessions/sessions.ts'
import { Reconstruction } from './reconstruction/reconstruction.ts'
import { Orphans, type OrphansOptions } from './recovery/orphans.ts'
import { Recovery } from './recovery/recovery.ts'
import { PresenceHub } from './presence/presence.ts'
import { createSnapshotService } from './snapshots/service.ts'
import type { Snapshots } from './snapshots/snapshots.ts'
import { endingStore, type EndingStore } from './store/ending-store.ts'
import { Emitter } from './util/emitter.ts'
import { delay, endingClock, every } from './util/timers.ts'

export interface PeerPorts {
  readonly clock: Clock
  readonly random: Random
  readonly store: Store
  /** Built once the key is known. */
  readonly transport: (seed: Uint8Array) => Promise<Transport>
  /** Without one there are no snapshots. */
  readonly snapshotTarget?: SnapshotTarget | undefined
  readonly log: (level: 'debug' | 'info' | 'warn' | 'error', message: string, fields?: object) => void
}

/** What exists only while the peer runs. */
interface Running {
  readonly boot: string
  readonly transport: Transport
  readonly membership: Membership
  readonly replication: Replication
  readonly sessions: Sessions
  readonly homes: Homes
  readonly failover: Failover
  readonly snapshots: Snapshots
  readonly reconstruction: Reconstruction
  readonly recovery: Recovery
  readonly catalog: Catalog
  readonly integrity: Integrity
  readonly life: Life
  readonly stops: readonly (() => void)[]
  readonly startedAt: number
}

export class MeshPeer implements Peer {
  readonly name: string
  readonly health: Health = { check: () => ({ healthy: this.#check().healthy }), detailed: () => this.#check() }
  readonly #config: PeerConfig
  readonly #ports: PeerPorts
  readonly #timers: ReturnType<typeof endingClock>
  readonly #disk: EndingStore
  readonly #events: Emitter<PeerEvents>
  #running: Running | undefined
  /** What was found when the store was opened. */
  #damage: readonly string[] = []
  #joining: Promise<void> = Promise.resolve()
  /** Ends what was begun when the peer had joined. */
  #stopJoined: readonly Cancel[] = []
  #stopping: Promise<void> | undefined

  constructor(config: PeerConfig, ports: PeerPorts) {
    this.#config = config
    this.#timers = endingClock(ports.clock)
    this.#disk = endingStore(ports.store)
    this.#ports = { ...ports, clock: this.#timers.clock, store: this.#disk.store }
    this.name = config.name
    this.#events = new Emitter((error) => this.#report(error))
  }

  get id(): PeerId {
    return this.#parts().transport.self
  }

  get boot(): string {
    return this.#parts().boot
  }

  get addresses(): readonly string[] {
    return this.#parts().transport.addresses()
  }

  get sessions(): Sessions {
    return this.#parts().sessions
  }

  get replication(): Replication {
    return this.#parts().replication
  }

  get sync(): Sync {
    return this.#parts().replication.sync
  }

  get failover(): Failover {
    return this.#parts().failover
  }

  get snapshots(): Snapshots {
    return this.#parts().snapshots
  }

  get store(): StoreAdmin {
    const { integrity, life } = this.#parts()
    return {
      purge: (options) => life.retention.purge(options),
      validateIntegrity: ({ onProgress } = {}) => integrity.validate(onProgress),
      integrityProgress: () => integrity.progress,
    }
  }

  get recovery(): Recovery {
    return this.#parts().recovery
  }

  get reconstruction(): Reconstruction {
    return this.#parts().reconstruction
  }

  members(): readonly Member[] {
    const { membership, transport, homes, sessions } = this.#parts()
    const self = {
      peer: transport.self,
      name: this.name,
      boot: this.boot,
      zone: this.#config.zone,
      weight: this.#config.weight,
      draining: membership.settings.draining,
      delegate: membership.settings.delegate,
      addresses: transport.addresses(),
      sessions: sessions.count(),
    }
    return describeMembers(self, membership.records(), homes.byPeer(), this.#ports.clock.monotonic())
  }

  on<E extends keyof PeerEvents>(event: E, listener: PeerEvents[E]): () => void {
    return this.#events.on(event, listener)
  }

  async start(): Promise<void> {
    if (this.#running !== undefined) return
    const { store, random, clock } = this.#ports
    const report = await store.open()
    if (report.quarantined > 0) this.#ports.log('warn', 'store records set aside', report)
    for (const damage of report.damage) this.#ports.log('error', `store damaged: ${damage}`)
    this.#damage = report.damage
    const transport = await this.#ports.transport(await identitySeed(store, random))
    const boot = await nextBootId(store, clock, random)
    const running = this.#assemble(transport, boot)
    await running.life.begin()
    this.#running = running
    await transport.start()
    this.#joining = this.#join(running)
    // With very many sessions a peer serves before it has read them all, and joins the mesh when it has.
    const patience = delay(clock, LOAD_PATIENCE_MS)
    await Promise.race([this.#joining, patience])
    this.#joining.catch((error: unknown) => this.#report(error))
  }

  /** Other peers see a peer only once it knows what it holds: what they say of a session must meet what is on disk. */
  async #join({ catalog, replication, membership, recovery, life }: Running): Promise<void> {
    await catalog.loading.run()
    await life.returning.settle()
    if (this.#stopping !== undefined) return
    life.retention.fadeAll()
    replication.start()
    membership.start()
    this.#stopJoined = [recovery.begin(), life.start()]
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  async #stop(): Promise<void> {
    const running = this.#running
    if (running === undefined) return
    running.life.returning.stop()
    await this.#joining.catch(() => {})
    await running.membership.leave()
    running.replication.stop()
    for (const stop of [...this.#stopJoined, ...running.stops]) stop()
    if (this.#ports.store.obstacle === undefined) await running.catalog.journal.flush().catch(() => {})
    await this.#summarize(running.catalog, true).catch(() => {})
    await running.transport.stop()
    await running.catalog.journal.close()
    this.#disk.end()
    await this.#ports.store.close()
    this.#timers.end()
  }

  #keepSummaries(catalog: () => Catalog): Cancel {
    const report = (error: unknown) => this.#report(error)
    return every(this.#ports.clock, SUMMARY_INTERVAL_MS, () => void this.#summarize(catalog()).catch(report))
  }

  /** Lets the next start be quick. */
  async #summarize(catalog: Catalog, all = false): Promise<void> {
    if (catalog.journal.failure !== undefined || this.#ports.store.obstacle !== undefined) return
    if (all) await catalog.settle()
    await catalog.summaries.write(all)
  }

  /** Builds the parts. The catalog tells sessions of local changes and sessions look into the catalog: one comes late. */
  #assemble(transport: Transport, boot: string): Running {
    const { clock, random, store, log, snapshotTarget: target } = this.#ports
    const startedAt = clock.monotonic()
    const config = this.#config
    const self = () => transport.self
    const late: { catalog?: Catalog } = {}
    const catalog = () => present(late.catalog)
    const shared = {
      transport,
      clock,
      boot,
      allowed: (peer: PeerId) => config.allowedPeers.length === 0 || config.allowedPeers.includes(peer),
      onError: (error: unknown) => this.#report(error),
    }
    const counters = this.#counters()
    const holdings = new OwnHoldings(catalog, config.shardCount)
    const membership = new Membership({
      ...config,
      ...shared,
      load: () => ({ holdings: holdings.announced(), sessions: catalog().size }),
      refuse: (reason, origin, detail) => counters.refuse(reason, '', origin, detail),
    })
    const sets = new ReplicaSets({ membership, self, onError: shared.onError })
    const replication = new Replication({ ...shared, config, catalog, membership, sets, holdings, counters })
    const lifecycles = this.#lifecycles(catalog)
    const homes = new Homes({ ...config, membership, catalog, self, onError: shared.onError })
    homes.events.on('takeover', (takeover) => this.#takeover(takeover, lifecycles))
    const orphans = this.#orphans({ catalog, homes, replication, lifecycles })
    const snapshots = createSnapshotService({ ...shared, target, store, catalog, config, self })
    const deps = { ...shared, catalog, store, config, membership, homes, replication, lifecycles, counters }
    const setAside = (ids: readonly string[]) => snapshots.snapshots.setAside(ids)
    const life = createLife({ ...deps, log, setAside, events: this.#events })
    const identity = () => this.#identity(transport, membership, startedAt)
    const presence = new PresenceHub({ ...shared, ...config, membership, refuse: counters.refuse })
    const sessions = new Sessions({ ...deps, random, identity, life, presence, orphans })
    late.catalog = new Catalog({
      ...config,
      ...shared,
      store,
      newClientId: () => newClientId(random),
      self: { origin: transport.self, boot, frameSequence: 0 },
      onLocalUpdate: (entry, update, onDisk) => sessions.published(entry, update, onDisk),
      onChanged: (session) => [snapshots, sessions].forEach((part) => part.changed(session)),
      onSucceeded: (session) => lifecycles.forget(session),
      onDescribed: life.described,
    })
    this.#tellOfMembers(membership)
    const takeSnapshot = snapshots.take
    const onHandover = (status: HandoverStatus) => this.#events.emit('handover', status)
    const failover = new Failover({ membership, sets, homes, replication, clock, self, takeSnapshot, onHandover })
    const nameOf = (peer: string) => (peer === self() ? this.name : membership.get(peer as PeerId)?.info.name)
    const past = { catalog, store, sessions, snapshots: snapshots.snapshots, self, nameOf }
    const reconstruction = new Reconstruction(past)
    const integrity = this.#integrity(catalog)
    const parted = [sets, homes, orphans, snapshots, integrity, presence].map((part) => part.start())
    const stops = [...parted, this.#keepSummaries(catalog)]
    const parts = { boot, transport, membership, replication, sessions, homes, failover, integrity, reconstruction }
    const recovery = this.#recovery(catalog, { membership, replication, integrity, lifecycles, life })
    return { ...parts, life, recovery, snapshots: snapshots.snapshots, catalog: late.catalog, stops, startedAt }
  }

  #lifecycles(catalog: () => Catalog): Lifecycles {
    return new Lifecycles(
      (session, transition) => this.#events.emit('transition', { session, transition }),
      (session) => catalog().get(session)?.recovering === true,
    )
  }

  #orphans(parts: Pick<OrphansOptions, 'catalog' | 'homes' | 'replication' | 'lifecycles'>): Orphans {
    const { recoveryStages: stages, autoReconciliation: isAutomatic } = this.#config
    const onError = (error: unknown) => this.#report(error)
    return new Orphans({ ...parts, clock: this.#ports.clock, stages, isAutomatic, onError })
  }

  #recovery(
    catalog: () => Catalog,
    parts: Pick<Running, 'membership' | 'replication' | 'integrity' | 'life'> & { lifecycles: Lifecycles },
  ): Recovery {
    const { membership, replication, integrity, lifecycles, life } = parts
    const { clock } = this.#ports
    return new Recovery({
      clock,
      stages: this.#config.recoveryStages,
      entries: () => catalog().entries(),
      get: (id) => catalog().get(id),
      verify: (entry) => integrity.check(entry),
      accompanied: () => membership.live().length > 0,
      differs: (shard) => replication.differs(shard),
      fetch: (id) => replication.bring(id),
      accept: () => life.returning.accept(),
      onRecovered: ({ id }) => lifecycles.recovered(id, clock.now()),
      onError: (error) => this.#report(error),
    })
  }

  #integrity(catalog: () => Catalog): Integrity {
    const { store, clock, log } = this.#ports
    const onFinding = (finding: string) => log('error', `store damaged: ${finding}`)
    return new Integrity({ ...this.#config, store, catalog, clock, onFinding })
  }

  #counters(): Counters {
    return new Counters((refusal) => {
      this.#ports.log('warn', `refused: ${refusal.reason}`, refusal)
      this.#events.emit('refused', refusal)
    })
  }

  #identity(transport: Transport, membership: Membership, startedAt: number): ReturnType<SessionsOptions['identity']> {
    return {
      peer: transport.self,
      name: this.name,
      boot: this.boot,
      addresses: transport.addresses(),
      uptimeMs: Math.round(this.#ports.clock.monotonic() - startedAt),
      replicas: membership.live().length + 1,
    }
  }

  #tellOfMembers(membership: Membership): void {
    membership.events.on('change', ({ peer, from, to, cause }) => {
      this.#ports.log('info', `member ${to}`, { peer, from, cause })
      const record = membership.get(peer)
      if (record === undefined) return
      const homes = this.#parts().homes.byPeer()[peer] ?? 0
      this.#events.emit('member', describeMember(record, homes, this.#ports.clock.monotonic()))
    })
  }

  /** Homes came here: the sessions go through failover and recovery. */
  #takeover({ from, entries, isGone }: Takeover, lifecycles: Lifecycles): void {
    const at = this.#ports.clock.now()
    for (const { id } of entries) lifecycles.tookOver(id, at, `home was ${from}`, !isGone)
    const running = this.#running
    if (running !== undefined) running.failover.takeovers++
    this.#events.emit('failover', { from, sessions: entries.length, at })
  }

  #check(): HealthCheck {
    const running = this.#running
    if (running === undefined || this.#stopping !== undefined) {
      return { healthy: false, checks: [{ name: 'running', ok: false, detail: 'the peer is not running' }] }
    }
    return checkHealth({
      upMs: this.#ports.clock.monotonic() - running.startedAt,
      trouble: running.catalog.journal.failure?.message ?? this.#ports.store.obstacle,
      damage: this.#damage,
      returning: running.life.returning.reason,
      liveCount: running.membership.live().length,
      lagMs: running.replication.lag(),
    })
  }

  #report(error: unknown): void {
    // What was under way when the peer stopped ends so.
    if (this.#stopping !== undefined && hasCode(error, 'PEER_NOT_RUNNING')) return
    this.#ports.log('error', error instanceof Error ? error.message : String(error), { error })
  }

  #parts(): Running {
    if (this.#running !== undefined) return this.#running
    throw new SessionMeshError('PEER_NOT_RUNNING', `peer ${this.name} is not running: call start() first`)
  }
}

/** How long a start waits for all sessions to be read, and with that for the peer to be in the mesh. */
const LOAD_PATIENCE_MS = 1_000
/** How often sessions that have been quiet are summarized for the next start. */
const SUMMARY_INTERVAL_MS = 2_500

function present<T>(value: T | undefined): T {
  if (value !== undefined) return value
  throw new Error('used before it was built')
}
