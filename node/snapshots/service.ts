// Snapshots as a part of a peer: built from its ports and settings, told of changes, started and stopped with it.
import type { PeerConfig } from '../config.ts'
import type { Clock } from '../ports/clock.ts'
import type { SnapshotTarget } from '../ports/snapshot-target.ts'
import type { Store } from '../ports/store.ts'
import type { Catalog } from '../sessions/catalog.ts'
import { tagOf } from './id.ts'
import { scheduleSnapshots } from './schedule.ts'
import { Snapshots } from './snapshots.ts'
import { Views } from './views.ts'

export interface SnapshotServiceOptions {
  readonly target: SnapshotTarget | undefined
  readonly store: Store
  readonly clock: Clock
  readonly catalog: () => Catalog
  readonly config: PeerConfig
  readonly self: () => string
  readonly boot: string
  readonly onError: (error: unknown) => void
}

export interface SnapshotService {
  readonly snapshots: Snapshots
  /** To be called with every change of a session. */
  readonly changed: (session: string) => void
  /** Takes one now, if there is a place for it. */
  readonly take: () => Promise<void>
  /** Begins the periodic ones, if there is a place for them. Returns what ends it all. */
  start(): () => void
}

export function createSnapshotService(options: SnapshotServiceOptions): SnapshotService {
  const { target, store, clock, catalog, config, self, boot, onError } = options
  const tag = () => tagOf(self())
  const views = new Views({ catalog, store, clock, tag, incrementsMax: config.snapshotIncrementsMax })
  const { name, meshName, shardCount } = config
  const snapshots = new Snapshots({
    target,
    views,
    catalog,
    clock,
    store,
    tag,
    writer: () => ({ peer: self(), name, boot, meshName, shardCount }),
    retention: {
      keepLast: config.snapshotKeepLast,
      keepHourly: config.snapshotKeepHourly,
      keepDaily: config.snapshotKeepDaily,
    },
  })
  return {
    snapshots,
    changed: (session) => views.changed(session),
    async take() {
      if (target === undefined) return
      const { id } = await snapshots.create({ kind: 'auto' })
      await snapshots.persist(id)
    },
    start() {
      const intervalMs = config.snapshotIntervalMs
      const cancel =
        target === undefined || intervalMs === 0
          ? () => {}
          : scheduleSnapshots({ snapshots, views, clock, intervalMs, onError })
      return () => {
        cancel()
        snapshots.stop()
      }
    },
  }
}
