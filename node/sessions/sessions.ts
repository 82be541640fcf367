// The sessions of a peer as its user sees them: create, open, read, write, terminate, list.
import type * as Y from 'yjs'
import {
  checkExpiry,
  deadlineOf,
  describeSession,
  digestOf,
  encodeIntegrated,
  hash128,
  held,
  initializeSession,
  isTouchDue,
  isTerminated,
  parseSessionId,
  SessionMeshError,
  setExpiry,
  terminateSession,
  toHex,
  touchSession,
  type ExpiryChange,
} from '../../crdt/index.ts'
import type {
  Adoption,
  Orphaned,
  PageOptions,
  CreateOptions,
  Priority,
  ReadOptions,
  Receipt,
  Session,
  Sessions as SessionsApi,
  SessionsStatus,
  SessionSummary,
  SessionView,
  Touched,
  WriteOptions,
} from '../api.ts'
import type { PeerConfig } from '../config.ts'
import type { Life } from '../life/service.ts'
import type { Homes } from '../membership/homes.ts'
import type { Clock } from '../ports/clock.ts'
import type { Random } from '../ports/random.ts'
import { newClientId } from '../identity.ts'
import type { PresenceHub } from '../presence/presence.ts'
import { SessionPresence } from '../presence/session-presence.ts'
import type { Orphans } from '../recovery/orphans.ts'
import { resolveWriteOptions, type Write } from '../replication/durability.ts'
import type { Replication } from '../replication/replication.ts'
import type { Catalog } from './catalog.ts'
import { CatchingUp, resolveReadOptions } from './catching-up.ts'
import { isHeld, type Entry } from './entry.ts'
import { exists, Finding, terminated } from './finding.ts'
import type { Lifecycles } from './lifecycle.ts'
import { receiptOf } from './receipt.ts'
import { ended, OpenSession, type SessionHost } from './session.ts'

const LIST_LIMIT_DEFAULT = 1_000
const RANDOM_ID_BYTES = 16

export interface SessionsOptions {
  readonly catalog: () => Catalog
  readonly replication: Replication
  readonly homes: Homes
  readonly lifecycles: Lifecycles
  readonly clock: Clock
  readonly random: Random
  readonly presence: PresenceHub
  readonly orphans: Orphans
  readonly config: PeerConfig
  readonly life: Pick<Life, 'active' | 'isOver' | 'assertShown'>
  readonly identity: () => Pick<SessionsStatus, 'peer' | 'name' | 'boot' | 'addresses' | 'uptimeMs' | 'replicas'>
}

export class Sessions implements SessionsApi, SessionHost {
  readonly #options: SessionsOptions
  readonly #finding: Finding
  readonly #catchingUp: CatchingUp
  /** Writes that the change now running has published: Yjs calls back synchronously. */
  #captured: Write[] | undefined

  constructor(options: SessionsOptions) {
    this.#options = options
    this.#finding = new Finding(options)
    this.#catchingUp = new CatchingUp({ ...options, finding: this.#finding })
  }

  /** To be called when a session was changed, wherever. */
  changed(session: string): void {
    this.#catchingUp.changed(session)
  }

  /** To be called with every local update, by the catalog. */
  published(entry: Entry, update: Uint8Array, onDisk: Promise<void>): void {
    const write = this.#options.replication.publish(entry, update, onDisk)
    this.#options.life.active(entry)
    if (this.#captured !== undefined) this.#captured.push(write)
    // Changed directly, by whoever has the document.
    else if (entry.doc !== undefined) this.#pushOn(entry, entry.doc)
  }

  status(): SessionsStatus {
    return {
      ...this.#options.identity(),
      sessions: this.count(),
      homes: this.#options.homes.own(),
      orphaned: this.#options.orphans.count(),
      syncState: this.#options.catalog().loading.isDone ? this.#options.replication.status().syncState : 'syncing',
    }
  }

  count(): number {
    return this.#options.catalog().size
  }

  async sample(n: number): Promise<SessionSummary[]> {
    const entries = this.#live()
    for (let i = 0; i < Math.min(n, entries.length); i++) {
      const j = i + Math.floor(this.#options.random.float() * (entries.length - i))
      const [a, b] = [entries[i], entries[j]]
      if (a !== undefined && b !== undefined) [entries[i], entries[j]] = [b, a]
    }
    return this.#summaries(entries.slice(0, n))
  }

  async list(
    filter: { priority?: Priority; home?: string; limit?: number; after?: string } = {},
  ): Promise<SessionSummary[]> {
    const { homes } = this.#options
    const entries = this.#live()
      .filter((entry) => filter.priority === undefined || entry.priority === filter.priority)
      .filter((entry) => filter.home === undefined || homes.of(entry) === filter.home)
      .filter((entry) => filter.after === undefined || entry.id > filter.after)
      .toSorted((a, b) => (a.id < b.id ? -1 : 1))
    return this.#summaries(entries.slice(0, filter.limit ?? LIST_LIMIT_DEFAULT))
  }

  async create(id?: string, options: CreateOptions = {}): Promise<{ session: Session; receipt: Receipt }> {
    this.#options.life.assertShown()
    const name = parseSessionId(id ?? toHex(this.#options.random.bytes(RANDOM_ID_BYTES)))
    if (id !== undefined) await this.#finding.assertNew(name)
    return this.#create(name, options)
  }

  async open(id: string, options: ReadOptions = {}): Promise<OpenSession> {
    const name = parseSessionId(id)
    const wanted = resolveReadOptions(name, options)
    const { replication } = this.#options
    // Followed before it is asked for, so that nothing is missed in between.
    replication.open(name)
    try {
      if (wanted !== undefined) await this.#catchingUp.reach(name, wanted)
      return await this.#openEntry(await this.#finding.find(name))
    } finally {
      replication.close(name)
    }
  }

  async openOrCreate(id: string, options: ReadOptions = {}): Promise<Session> {
    const name = parseSessionId(id)
    try {
      return await this.open(name, options)
    } catch (error) {
      if (!(error instanceof SessionMeshError) || error.code !== 'SESSION_NOT_FOUND') throw error
    }
    try {
      return (await this.#create(name, {})).session
    } catch (error) {
      // Another caller was faster: theirs will do.
      if (error instanceof SessionMeshError && error.code === 'SESSION_EXISTS') return this.open(name)
      throw error
    }
  }

  async get(id: string, options: ReadOptions = {}): Promise<SessionView> {
    this.#options.life.assertShown()
    const name = parseSessionId(id)
    const { replication } = this.#options
    const isPlain = resolveReadOptions(name, options) === undefined
    const here = await this.#finding.held(name)
    // Nobody is going to write to it: what the replicas say of it need not be kept.
    if (isPlain && here === undefined && !replication.isCurrent(name)) {
      return this.#finding.peek(name, (entry, doc) => new OpenSession(entry, doc, this).view())
    }
    const session = await this.open(name, options)
    try {
      return session.view()
    } finally {
      session.close()
    }
  }

  async terminate(id: string, options: WriteOptions & ReadOptions = {}): Promise<Receipt> {
    const { lifecycles, clock, config } = this.#options
    const session = await this.open(id, options)
    try {
      const at = clock.now()
      return await session.transact((doc) => {
        terminateSession(doc, at, { purgeAt: at + config.tombstoneRetentionMs })
        // Somebody else may just have done the same.
        if (lifecycles.state(session.id) === 'terminating') return
        lifecycles.move(session.id, 'terminating', at, 'terminated here')
      }, options)
    } finally {
      session.close()
    }
  }

  orphaned(options: PageOptions = {}): Orphaned {
    return this.#options.orphans.list(options)
  }

  adoptOrphaned(): Promise<Adoption> {
    return this.#options.orphans.adopt()
  }

  async contentHash(): Promise<{ sessions: number; hash: string }> {
    const catalog = this.#options.catalog()
    await catalog.settle()
    return { sessions: catalog.size, hash: toHex(hash128(catalog.roots())) }
  }

  async write(entry: Entry, doc: Y.Doc, change: (doc: Y.Doc) => void, options: WriteOptions): Promise<Receipt> {
    const { replication, config } = this.#options
    const resolved = resolveWriteOptions(options, config)
    const room = replication.room()
    if (room !== undefined) await room
    this.#assertInTime(entry)
    this.#options.catalog().journal.assertWritable()
    if (entry.baseBytes + entry.tailBytes > config.sessionBytesMax) {
      const message = `session ${entry.id} takes more than ${config.sessionBytesMax} bytes (sessionBytesMax)`
      throw new SessionMeshError('SESSION_TOO_LARGE', message)
    }
    const captured: Write[] = []
    this.#captured = captured
    try {
      doc.transact((transaction) => {
        change(doc)
        if (transaction.changed.size > 0) this.#pushOn(entry, doc)
      })
    } finally {
      this.#captured = undefined
    }
    const written = captured.at(-1)
    if (written === undefined) {
      // It was used all the same.
      this.#options.life.active(entry)
      this.#pushOn(entry, doc)
    }
    const write = written ?? this.#restate(entry, doc)
    // Now: what others add while this one waits may yet be lost.
    const holding = held(doc)
    return receiptOf(await replication.wait(write, resolved), holding)
  }

  async touch(id: string, options: WriteOptions & ReadOptions = {}): Promise<Touched> {
    const session = await this.open(id, options)
    try {
      return await session.touch(options)
    } finally {
      session.close()
    }
  }

  async touchOpen(entry: Entry, doc: Y.Doc, options: WriteOptions): Promise<Receipt | null> {
    const now = this.#options.clock.now()
    this.#options.life.active(entry)
    return isTouchDue(doc, now) ? this.write(entry, doc, () => touchSession(doc, now), options) : null
  }

  setExpiry(entry: Entry, doc: Y.Doc, change: ExpiryChange, options: WriteOptions): Promise<Receipt> {
    return this.write(entry, doc, () => setExpiry(doc, change, this.#options.clock.now()), options)
  }

  present({ id }: Entry): SessionPresence {
    const { presence, clock, random } = this.#options
    return new SessionPresence({ join: (hear) => presence.join(id, hear), clock, id: newClientId(random) })
  }

  release(entry: Entry): void {
    this.#options.catalog().release(entry)
    this.#options.replication.close(entry.id)
  }

  describe(entry: Entry): Pick<SessionView, 'home' | 'replicas' | 'state' | 'history'> {
    const { homes, lifecycles, replication } = this.#options
    const replicas = replication.replicasOf(entry.shard)
    return { home: homes.of(entry), replicas, state: lifecycles.state(entry.id), history: lifecycles.history(entry.id) }
  }

  /**
   * A change that changed nothing: what the session shows is what must be on the disks, and who holds it is found out
   * by saying it again. Replicas that have it acknowledge at once.
   */
  #restate(entry: Entry, doc: Y.Doc): Write {
    const { catalog, replication } = this.#options
    return replication.publish(entry, encodeIntegrated(doc), catalog().journal.flush())
  }

  /** @throws SESSION_TERMINATED */
  #assertInTime(entry: Entry): void {
    if (entry.expiry === undefined || !this.#options.life.isOver(entry)) return
    throw new SessionMeshError('SESSION_TERMINATED', `session ${entry.id} expired just now`)
  }

  /** A write pushes the end of an idle session on. */
  #pushOn(entry: Entry, doc: Y.Doc): void {
    if (entry.expiry?.ttlMs !== undefined) touchSession(doc, this.#options.clock.now())
  }

  async #create(id: string, options: CreateOptions): Promise<{ session: Session; receipt: Receipt }> {
    const { config, clock, lifecycles } = this.#options
    const catalog = this.#options.catalog()
    const known = await this.#finding.held(id)
    if (known !== undefined) throw known.terminatedAt === undefined ? exists(id) : terminated(id)
    if (catalog.size >= config.sessionsMax) {
      throw new SessionMeshError('SESSIONS_LIMIT', `this peer holds ${catalog.size} sessions, its limit (sessionsMax)`)
    }
    resolveWriteOptions(options, config)
    checkExpiry(options)
    catalog.journal.assertWritable()
    const session = await this.#openEntry(catalog.ensure(id))
    lifecycles.begin(id, clock.now(), 'created here')
    const { priority = 'normal', pin, data } = options
    const ttlMs = options.ttlMs === undefined ? config.defaultTtlMs : (options.ttlMs ?? undefined)
    const expiresAt = options.expiresAt ?? undefined
    const initial = { createdAt: clock.now(), priority, pin, data, ttlMs, expiresAt }
    const receipt = await session.transact((doc) => initializeSession(doc, initial), options)
    if (lifecycles.state(id) === 'initializing') lifecycles.move(id, 'active', clock.now(), 'created here')
    return { session, receipt }
  }

  async #openEntry(entry: Entry): Promise<OpenSession> {
    const catalog = this.#options.catalog()
    // It may have been forgotten since it was found.
    if (catalog.get(entry.id) !== entry) throw new SessionMeshError('SESSION_NOT_FOUND', `session ${entry.id} is gone`)
    const doc = await catalog.acquire(entry)
    try {
      // The document itself is asked: the end of a session that was not hydrated is not yet known otherwise.
      if (isTerminated(doc)) throw ended(entry.id, doc)
      this.#assertInTime(entry)
    } catch (error) {
      catalog.release(entry)
      throw error
    }
    this.#options.replication.open(entry.id)
    return new OpenSession(entry, doc, this)
  }

  #live(): Entry[] {
    this.#options.life.assertShown()
    return [...this.#options.catalog().entries()].filter((entry) => entry.terminatedAt === undefined && isHeld(entry))
  }

  async #summaries(entries: readonly Entry[]): Promise<SessionSummary[]> {
    const catalog = this.#options.catalog()
    const summaries: SessionSummary[] = []
    for (const entry of entries) {
      const doc = await catalog.acquire(entry)
      const digest = toHex(digestOf(doc))
      const dueAt = deadlineOf(describeSession(doc)) ?? null
      catalog.release(entry)
      const { home, state } = this.describe(entry)
      summaries.push({ id: entry.id, priority: entry.priority, home, state, dueAt, digest })
    }
    return summaries
  }
}
