// Snapshots of one peer: views taken, written to the target, listed, verified and restored.
import { SessionMeshError } from '../../crdt/index.ts'
import type { Clock } from '../ports/clock.ts'
import type { SnapshotTarget } from '../ports/snapshot-target.ts'
import type { Store } from '../ports/store.ts'
import type { Catalog } from '../sessions/catalog.ts'
import { delay } from '../util/timers.ts'
import type {
  OnSnapshotProgress,
  RestoreOptions,
  RestoreReport,
  SnapshotInfo,
  Snapshots as SnapshotsApi,
  SnapshotVerification,
  SnapshotView,
} from './api.ts'
import { chainOf, openChain, type Chain } from './chain.ts'
import type { SnapshotHeader, SnapshotRecord } from './format.ts'
import { asideName, fileNameOf, namesIn, parseFileName, wholeNamesIn } from './id.ts'
import { Listing } from './listing.ts'
import { restoreRecords } from './restore.ts'
import { expiredOf, type RetentionPolicy } from './retention.ts'
import { verifyChain } from './verify.ts'
import { viewRecords } from './view-records.ts'
import type { HeldView, Views } from './views.ts'
import { writeSnapshot } from './write.ts'

const LATEST = 'latest'

export interface SnapshotsOptions {
  readonly target: SnapshotTarget | undefined
  readonly views: Views
  readonly catalog: () => Catalog
  readonly clock: Clock
  readonly store: Store
  /** Of this peer's names. */
  readonly tag: () => string
  /** What every file says of who took it. */
  readonly writer: () => Pick<SnapshotHeader, 'peer' | 'name' | 'boot' | 'meshName' | 'shardCount'>
  readonly retention: RetentionPolicy
}

export class Snapshots implements SnapshotsApi {
  readonly #options: SnapshotsOptions
  readonly #listing: Listing
  #opening: Promise<SnapshotTarget> | undefined
  #stopped = false

  constructor(options: SnapshotsOptions) {
    this.#options = options
    this.#listing = new Listing(options.tag)
  }

  async create({ kind = 'base' }: { readonly kind?: 'base' | 'auto' } = {}): Promise<SnapshotView> {
    await this.#target()
    const { id, kind: taken, parent, at, sessions } = await this.#options.views.take(kind)
    return { id, kind: taken, parent, at, sessions }
  }

  async persist(id: string, { onProgress }: { onProgress?: OnSnapshotProgress } = {}): Promise<SnapshotInfo> {
    const { views } = this.#options
    const target = await this.#target()
    if (views.get(id) === undefined) {
      const known = (await this.list()).find((info) => info.id === id)
      if (known !== undefined) return known
    }
    const held = views.find(id)
    await target.put(fileNameOf(id), this.#write(held, onProgress))
    views.persisted(held)
    await views.letGo(id)
    const written = (await this.list()).find((info) => info.id === id)
    if (written !== undefined) return written
    throw new SessionMeshError('SNAPSHOT_TARGET_FAILED', `${id} is not where it was written`)
  }

  async list(): Promise<SnapshotInfo[]> {
    const target = await this.#target()
    return this.#listing.of(target, await target.list())
  }

  async verify(id: string, { onProgress }: { onProgress?: OnSnapshotProgress } = {}): Promise<SnapshotVerification> {
    const target = await this.#target()
    const chain = await this.#chain(target, id)
    return verifyChain(target, chain, progressOf(chain, onProgress), () => this.#pause())
  }

  async restore(id: string, options: RestoreOptions = {}): Promise<RestoreReport> {
    const { catalog } = this.#options
    const { session, dryRun = false } = options
    const target = await this.#target()
    if (!dryRun) catalog().journal.assertWritable()
    const chain = await this.#chain(target, id)
    // Twice over every byte: nothing is taken in from a snapshot that turns out to be damaged at its end.
    const onBytes = progressOf(chain, options.onProgress, 2)
    const pause = () => this.#pause()
    const { hash } = await verifyChain(target, chain, onBytes, pause)
    const reader = await openChain(target, chain, onBytes)
    try {
      const records = session === undefined ? reader.records : only(session, reader.records)
      const snapshot = chain.names.at(-1)?.id ?? ''
      const counts = await restoreRecords({ catalog: catalog(), records, snapshot, dryRun, pause })
      if (session !== undefined && counts.sessions === 0) {
        throw new SessionMeshError('SESSION_NOT_FOUND', `session ${session} is not in snapshot ${snapshot}`)
      }
      return { snapshot, chain: chain.ids, dryRun, ...counts, hash }
    } finally {
      await reader.close()
    }
  }

  /** One session as a snapshot has it. @throws SNAPSHOT_NOT_FOUND, SNAPSHOT_CORRUPT, SESSION_NOT_FOUND */
  async read(id: string, session: string): Promise<{ update: Uint8Array; takenAt: number }> {
    const target = await this.#target()
    const chain = await this.#chain(target, id)
    const reader = await openChain(target, chain)
    try {
      for await (const { update } of only(session, reader.records))
        return { update, takenAt: chain.names.at(-1)?.at ?? 0 }
      throw new SessionMeshError('SESSION_NOT_FOUND', `session ${session} is not in snapshot ${id}`)
    } finally {
      await reader.close()
    }
  }

  /** Id of the newest snapshot that is not younger than `at`, of any peer. */
  async newestBefore(at: number): Promise<string | undefined> {
    if (this.#options.target === undefined) return undefined
    const names = wholeNamesIn(await (await this.#target()).list()).filter((name) => name.at <= at)
    return names.toSorted((a, b) => b.at - a.at)[0]?.id
  }

  /** Removes this peer's own snapshots that the retention policy no longer keeps. */
  async prune(): Promise<string[]> {
    const { retention, tag, views } = this.#options
    const target = await this.#target()
    const own = wholeNamesIn(await target.list()).filter((name) => name.tag === tag())
    const parents = views.parents()
    const expired = expiredOf(own, retention).filter(({ key }) => !parents.has(key))
    for (const { id } of expired) await target.remove(fileNameOf(id))
    return expired.map(({ id }) => id)
  }

  /** Writes these sessions, in order of id, to a file of their own; returns its id. */
  async setAside(sessions: readonly string[]): Promise<string> {
    const { clock, store, catalog, tag, writer } = this.#options
    const target = await this.#target()
    const { id, at } = asideName(Math.floor(clock.now()), tag())
    await catalog().journal.flush()
    const view = store.view()
    try {
      const header: SnapshotHeader = { id, kind: 'base', parent: null, at, ...writer() }
      await target.put(
        fileNameOf(id),
        writeSnapshot(
          header,
          viewRecords(view, sessions, () => this.#pause()),
        ),
      )
      return id
    } finally {
      await view.close()
    }
  }

  /** A file that is being written is given up. Views end with the store: one that is being read must not go before. */
  stop(): void {
    this.#stopped = true
  }

  #target(): Promise<SnapshotTarget> {
    this.#opening ??= this.#open().catch((error: unknown) => {
      this.#opening = undefined
      throw error
    })
    return this.#opening
  }

  async #open(): Promise<SnapshotTarget> {
    const { target, tag, views } = this.#options
    if (target === undefined) {
      throw new SessionMeshError('SNAPSHOT_TARGET_MISSING', 'no place for snapshots: set snapshotTarget or dataDir')
    }
    await target.open((file) => parseFileName(file)?.tag === tag())
    for (const name of namesIn(await target.list())) if (name.tag === tag()) views.after(name.at)
    return target
  }

  async *#write(held: HeldView, onProgress?: OnSnapshotProgress): AsyncGenerator<Uint8Array> {
    const header: SnapshotHeader = {
      id: held.id,
      kind: held.kind,
      parent: held.parent,
      at: held.at,
      ...this.#options.writer(),
    }
    let done = 0
    const counted = async function* (records: AsyncIterable<SnapshotRecord>) {
      for await (const record of records) {
        yield record
        done++
      }
    }
    const records = counted(viewRecords(held.view, held.changed, () => this.#pause()))
    for await (const chunk of writeSnapshot(header, records)) {
      if (this.#stopped) throw new SessionMeshError('PEER_NOT_RUNNING', 'the peer is stopping')
      yield chunk
      onProgress?.({ done, total: Math.max(done, held.sessions) })
    }
  }

  async #chain(target: SnapshotTarget, id: string): Promise<Chain> {
    const files = await target.list()
    if (id !== LATEST) return chainOf(id, files, target.place)
    const newest = wholeNamesIn(files).toSorted((a, b) => b.at - a.at)[0]
    if (newest === undefined) throw new SessionMeshError('SNAPSHOT_NOT_FOUND', `no snapshot in ${target.place}`)
    return chainOf(newest.id, files, target.place)
  }

  #pause(): Promise<void> {
    return delay(this.#options.clock, 0)
  }
}

/** Counts the bytes of one or more passes over the files of a chain. */
function progressOf(chain: Chain, onProgress: OnSnapshotProgress | undefined, passes = 1): (bytes: number) => void {
  let done = 0
  return (bytes) => {
    done += bytes
    onProgress?.({ done, total: chain.bytes * passes })
  }
}

async function* only(session: string, records: AsyncIterable<SnapshotRecord>): AsyncGenerator<SnapshotRecord> {
  for await (const record of records) {
    if (record.session < session) continue
    if (record.session === session) yield record
    return
  }
}
