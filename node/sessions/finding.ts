// Where a session is: here, or with the replicas, which are asked for it.
import type * as Y from 'yjs'
import {
  applyRemote,
  createDocument,
  describeSession,
  isTerminated,
  SessionMeshError,
  shardOf,
} from '../../crdt/index.ts'
import type { PeerConfig } from '../config.ts'
import type { Life } from '../life/service.ts'
import type { Clock } from '../ports/clock.ts'
import type { Replication } from '../replication/replication.ts'
import { delay } from '../util/timers.ts'
import type { Catalog } from './catalog.ts'
import { isHeld, newEntry, type Entry } from './entry.ts'
import { ended } from './session.ts'

/** How long the opening of a session that is here waits for what its replicas know beyond that. */
const REFRESH_PATIENCE_MS = 250

export interface FindingOptions {
  readonly catalog: () => Catalog
  readonly replication: Replication
  readonly clock: Clock
  readonly config: PeerConfig
  readonly life: Pick<Life, 'assertShown'>
}

export class Finding {
  readonly #options: FindingOptions

  constructor(options: FindingOptions) {
    this.#options = options
  }

  /** @throws SESSION_NOT_FOUND, SESSION_UNAVAILABLE */
  async find(id: string): Promise<Entry> {
    this.#options.life.assertShown()
    const { replication, clock } = this.#options
    const here = await this.held(id)
    if (here !== undefined && replication.isCurrent(id)) return here
    const bringing = replication.bring(id)
    if (here !== undefined) {
      // What is here may be old; but nobody waits long for replicas that can't be reached.
      await Promise.race([bringing.catch(() => {}), delay(clock, REFRESH_PATIENCE_MS)])
      // It may have been forgotten, and what came since may rest on it.
      const still = await this.held(id)
      if (still !== undefined) return still
    }
    await bringing
    const found = await this.held(id)
    if (found === undefined) throw notFound(id)
    return found
  }

  /** The entry of a session of which anything is here, on disk or in memory. */
  async held(id: string): Promise<Entry | undefined> {
    const catalog = this.#options.catalog()
    const entry = catalog.get(id) ?? (await catalog.loading.bring(id))
    return entry !== undefined && isHeld(entry) ? entry : undefined
  }

  /** An id that nobody knows, as far as this peer must ask. @throws SESSION_EXISTS, SESSION_TERMINATED */
  async assertNew(id: string): Promise<void> {
    const { replication } = this.#options
    const here = await this.held(id)
    if (here !== undefined || replication.isCurrent(id)) return
    const updates = await replication.peek(id)
    if (updates === undefined) return
    throw this.#read(id, updates, (doc) => (isTerminated(doc) ? ended(id, doc) : exists(id)))
  }

  /**
   * Reads a session that is not kept here, from a document that lives no longer than that.
   * @throws SESSION_NOT_FOUND, SESSION_UNAVAILABLE, SESSION_TERMINATED
   */
  async peek<T>(id: string, read: (entry: Entry, doc: Y.Doc) => T): Promise<T> {
    const { replication, config } = this.#options
    const updates = await replication.peek(id)
    if (updates === undefined) throw notFound(id)
    return this.#read(id, updates, (doc) => {
      const { pin, terminatedAt } = describeSession(doc)
      if (terminatedAt !== undefined) throw ended(id, doc)
      return read({ ...newEntry(id, shardOf(id, config.shardCount)), pin }, doc)
    })
  }

  #read<T>(id: string, updates: readonly Uint8Array[], read: (doc: Y.Doc) => T): T {
    const doc = createDocument(id)
    try {
      for (const update of updates) applyRemote(doc, update, undefined)
      return read(doc)
    } finally {
      doc.destroy()
    }
  }
}

export function notFound(id: string): SessionMeshError {
  return new SessionMeshError('SESSION_NOT_FOUND', `no live peer knows session ${id}`)
}

export function exists(id: string): SessionMeshError {
  return new SessionMeshError('SESSION_EXISTS', `session ${id} exists`)
}

export function terminated(id: string): SessionMeshError {
  return new SessionMeshError('SESSION_TERMINATED', `session ${id} is terminated`)
}
