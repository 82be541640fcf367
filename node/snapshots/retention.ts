// Which snapshots are kept. A pure function of names and times, so that a mistake here is found by a test and not by
// whoever needs the file.
import type { SnapshotName } from './id.ts'

export interface RetentionPolicy {
  /** The newest so many, of either kind. At least 1. */
  readonly keepLast: number
  /** The last base of each of the last so many hours in which one was taken. */
  readonly keepHourly: number
  /** The same for days (UTC). */
  readonly keepDaily: number
}

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

/** Those of `names`, all of one peer, that may be removed: nothing kept builds on them. */
export function expiredOf(names: readonly SnapshotName[], policy: RetentionPolicy): SnapshotName[] {
  const newestFirst = names.toSorted((a, b) => b.at - a.at)
  const bases = newestFirst.filter(({ parentKey }) => parentKey === undefined)
  const kept = [
    ...newestFirst.slice(0, Math.max(1, policy.keepLast)),
    ...lastOfEach(bases, HOUR_MS, policy.keepHourly),
    ...lastOfEach(bases, DAY_MS, policy.keepDaily),
  ]
  const byKey = new Map(names.map((name) => [name.key, name]))
  const needed = new Set(kept.flatMap((name) => [...chainBackwards(name, byKey)]))
  return newestFirst.filter((name) => !needed.has(name))
}

/** A snapshot, what it builds on, and so on, until its base or what is missing. */
export function* chainBackwards(
  name: SnapshotName,
  byKey: ReadonlyMap<string, SnapshotName>,
): Generator<SnapshotName, void, undefined> {
  for (let next: SnapshotName | undefined = name; next !== undefined;) {
    yield next
    const parent: SnapshotName | undefined = next.parentKey === undefined ? undefined : byKey.get(next.parentKey)
    // A parent is older; anything else is no chain that a peer has written.
    next = parent !== undefined && parent.at < next.at ? parent : undefined
  }
}

function lastOfEach(newestFirst: readonly SnapshotName[], spanMs: number, count: number): SnapshotName[] {
  const lasts = new Map<number, SnapshotName>()
  for (const name of newestFirst) {
    const span = Math.floor(name.at / spanMs)
    if (!lasts.has(span)) lasts.set(span, name)
  }
  return [...lasts.values()].slice(0, count)
}
