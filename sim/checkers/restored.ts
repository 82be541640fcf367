// What a restore does to the disk of the peer that restores: it adds. What it must have brought is known from what lay on
// the disk that the snapshot was taken of, not from the snapshot's file: so a snapshot that holds too little is found, too.
import * as Y from 'yjs'
import { BEGUN, DONE } from '../faults/backups.ts'
import { tagsOf } from '../workload/content.ts'
import type { TraceEvent } from '../world/trace.ts'
import type { CheckerKind, Report, Scene } from './checker.ts'
import { fingerprint, isTerminated } from './document.ts'

export const restored: CheckerKind = {
  name: 'restore-adds',
  promise: 'A restore brings back what was there when the snapshot was taken, and removes nothing that came since.',
  violatedWhen:
    'after a restore the disk lacks something that the snapshot was taken of, or something that it held before and nobody took away',
  needsTags: true,
  make: (scene, report) => {
    /** What disks held as each deed that is under way began. */
    const open = new Map<number, Image>()
    const snapshots = new Map<string, Image>()
    return {
      onEvent(event) {
        if (event.kind !== 'snapshot' && event.kind !== 'restore') return
        if (event.detail === BEGUN) return void open.set(event.number, takeImage(scene, event.machine))
        const image = open.get(event.number)
        open.delete(event.number)
        if (event.detail !== DONE || image === undefined) return
        if (event.kind === 'snapshot') snapshots.set(event.subject, image)
        else judge(scene, event, image, snapshots.get(event.subject), report)
      },
      onRewritten(machine, session, cause) {
        if (cause === 'compacted') return
        // Rotten, or let go of because others hold it: no restore's doing.
        for (const image of open.values()) if (image.machine === machine) image.gone.add(session)
      },
    }
  },
}

interface Held {
  readonly update: Uint8Array
  /** Tags that it showed. */
  readonly shown: readonly string[]
}

interface Image {
  readonly machine: string
  readonly sessions: ReadonlyMap<string, Held>
  /** Sessions that have left that disk since, wholly or in part, until the deed was done. */
  readonly gone: Set<string>
}

function takeImage({ world, shadows }: Scene, machine: string): Image {
  const { disk } = world.machine(machine)
  const sessions = disk.sessions().flatMap((session): [string, Held][] => {
    const doc = shadows.of(machine, session)
    // What rests on something that has rotted is no document yet.
    if (doc === undefined || disk.isDamaged(session)) return []
    return [[session, { update: Y.encodeStateAsUpdate(doc), shown: shownBy(doc) }]]
  })
  return { machine, sessions: new Map(sessions), gone: new Set() }
}

function judge(scene: Scene, event: TraceEvent, before: Image, taken: Image | undefined, report: Report): void {
  const { machine, subject } = event
  const docOf = (session: string) => (before.gone.has(session) ? undefined : scene.shadows.of(machine, session))
  for (const [session, { update, shown }] of before.sessions) {
    const doc = docOf(session)
    if (doc === undefined) continue
    if (!holds(doc, update)) report(`${machine} lost something of ${session} as it restored ${subject}`, [machine])
    if (isTerminated(doc)) continue
    const now = new Set(shownBy(doc))
    const lost = shown.filter((tag) => !now.has(tag) && !scene.history.wasTaken(tag))
    if (lost.length === 0) continue
    report(`${session} on ${machine} no longer shows ${lost.join(', ')} since ${subject} was restored`, [machine])
  }
  for (const [session, { update }] of taken?.sessions ?? []) {
    if (before.gone.has(session) || taken?.gone.has(session) === true) continue
    // What has rotted below a document in memory is missing on the disk alone, until that is next read.
    if (scene.world.machine(machine).disk.isDamaged(session)) continue
    const doc = docOf(session)
    if (doc !== undefined && (isTerminated(doc) || holds(doc, update))) continue
    report(`${session} was on ${taken?.machine} as ${subject} was taken, and is not all on ${machine} now`, [machine])
  }
}

/** Whether a document has all that is in an update, deletions too. */
function holds(doc: Y.Doc, update: Uint8Array): boolean {
  const both = new Y.Doc({ guid: 'both' })
  Y.applyUpdate(both, Y.encodeStateAsUpdate(doc))
  Y.applyUpdate(both, update)
  return fingerprint(both) === fingerprint(doc)
}

function shownBy(doc: Y.Doc): string[] {
  const { map, others } = tagsOf(doc)
  return [...map.values(), ...others]
}
