// The views that wait to be persisted, and which sessions changed since the last one that was.
//
// A view is taken at one instant. Before it, everything that had changed so far is let onto the disk; every session
// that has changed up to that instant counts as changed, so an increment can hold a session too much and never one too
// few.
import { SessionMeshError } from '../../crdt/index.ts'
import type { Cancel, Clock } from '../ports/clock.ts'
import type { Store, StoreView } from '../ports/store.ts'
import type { Catalog } from '../sessions/catalog.ts'
import type { SnapshotView } from './api.ts'
import { snapshotName, type SnapshotName } from './id.ts'

/** A view keeps old data on disk: it is let go when so many newer ones came … */
const VIEWS_MAX = 4
/** … or after so long. */
const VIEW_MAX_MS = 15 * 60_000

export interface HeldView extends SnapshotView {
  readonly name: SnapshotName
  readonly view: StoreView
  /** The changed ones, in ascending order; undefined: all. */
  readonly changed: readonly string[] | undefined
  /** Changes numbered up to this are in it. */
  readonly through: number
  /** Increments between it and its base, itself included. */
  readonly depth: number
  /** Of what changed since the last one, the sequence that each session's log had reached. */
  readonly sequences: ReadonlyMap<string, number>
  readonly expire: Cancel
}

/** What the next increment builds on. */
type Head = Pick<HeldView, 'id' | 'name' | 'through' | 'depth' | 'sequences'>

export interface ViewsOptions {
  readonly catalog: () => Catalog
  readonly store: Store
  readonly clock: Clock
  readonly tag: () => string
  readonly incrementsMax: number
}

export class Views {
  readonly #options: ViewsOptions
  readonly #held = new Map<string, HeldView>()
  /** Sessions that may have changed since the head, and the number of their last change. */
  readonly #changed = new Map<string, number>()
  /** Log records up to these sequences are older than the last two snapshots. */
  readonly #old = new Map<string, number>()
  #changes = 0
  #head: Head | undefined
  #lastAt = 0

  constructor(options: ViewsOptions) {
    this.#options = options
  }

  /** To be called with every change of a session. */
  changed(session: string): void {
    this.#changed.set(session, ++this.#changes)
  }

  /** There is nothing that the last one that was persisted does not hold. */
  get idle(): boolean {
    return this.#changed.size === 0 && (this.#head !== undefined || this.#options.catalog().size === 0)
  }

  /** Names are never older than this: the clock may have gone back since they were given. */
  after(at: number): void {
    this.#lastAt = Math.max(this.#lastAt, at)
  }

  async take(kind: 'base' | 'auto'): Promise<HeldView> {
    const { catalog, store, clock, tag, incrementsMax } = this.#options
    // Of what changes from here on the view may show some or nothing: it counts for the next one again.
    const through = this.#changes
    await catalog().journal.flush()
    const view = store.view()
    const head = kind === 'auto' && (this.#head?.depth ?? incrementsMax) < incrementsMax ? this.#head : undefined
    const changed = head === undefined ? undefined : [...this.#changed.keys()].toSorted()
    const at = Math.max(Math.floor(clock.now()), this.#lastAt + 1)
    this.#lastAt = at
    const name = snapshotName(at, tag(), head?.name)
    const held: HeldView = {
      id: name.id,
      kind: head === undefined ? 'base' : 'increment',
      parent: head?.id ?? null,
      at,
      sessions: changed?.length ?? catalog().size,
      name,
      view,
      changed,
      through,
      depth: head === undefined ? 0 : head.depth + 1,
      sequences: this.#sequences(),
      expire: clock.setTimer(VIEW_MAX_MS, () => void this.letGo(name.id)),
    }
    this.#held.set(held.id, held)
    for (const id of [...this.#held.keys()].slice(0, -VIEWS_MAX)) await this.letGo(id)
    return held
  }

  get(id: string): HeldView | undefined {
    return this.#held.get(id)
  }

  /** @throws SNAPSHOT_NOT_FOUND */
  find(id: string): HeldView {
    const held = this.#held.get(id)
    if (held !== undefined) return held
    throw new SessionMeshError('SNAPSHOT_NOT_FOUND', `no view ${id} is held here: create one, or it was let go`)
  }

  /** Snapshots that held views build on. */
  parents(): Set<string> {
    return new Set([...this.#held.values()].flatMap(({ name }) => name.parentKey ?? []))
  }

  /** It is at the target: later increments build on it, unless on a newer one already. */
  persisted({ id, name, through, depth, sequences }: HeldView): void {
    if (this.#head !== undefined && this.#head.through > through) return
    for (const [session, sequence] of this.#head?.sequences ?? []) this.#old.set(session, sequence)
    this.#head = { id, name, through, depth, sequences }
    for (const [session, change] of this.#changed) if (change <= through) this.#changed.delete(session)
  }

  /** Folds the log records that are older than the last two snapshots: history reaches back to the older of them. */
  async foldOld(pause: () => Promise<void>): Promise<void> {
    for (const [session, sequence] of this.#old) {
      this.#old.delete(session)
      const entry = this.#options.catalog().get(session)
      if (entry === undefined) continue
      await this.#options.catalog().compaction.fold(entry, sequence)
      await pause()
    }
  }

  #sequences(): Map<string, number> {
    const catalog = this.#options.catalog()
    return new Map([...this.#changed.keys()].map((session) => [session, catalog.get(session)?.sequence ?? 0]))
  }

  async letGo(id: string): Promise<void> {
    const held = this.#held.get(id)
    if (held === undefined) return
    this.#held.delete(id)
    held.expire()
    await held.view.close()
  }
}
