// Taking a snapshot in: a CRDT join with what is here, session by session. A restore can add what was lost, and can't
// take back what came since: the same update applied a second time, or late, changes nothing.
import * as Y from 'yjs'
import { createDocument, digestOf, digestsEqual, hasCode } from '../../crdt/index.ts'
import type { Catalog } from '../sessions/catalog.ts'
import type { Entry } from '../sessions/entry.ts'
import type { SnapshotRecord } from './format.ts'

/** Records after which the disk is waited for: what is in flight stays bounded. */
const FLUSH_EVERY = 256
const REFUSALS_MAX = 20

export interface RestoreCounts {
  sessions: number
  created: number
  merged: number
  unchanged: number
  terminatedHere: number
  refused: number
  readonly refusals: { session: string; code: string; message: string }[]
}

type Outcome = 'created' | 'merged' | 'unchanged' | 'terminatedHere'

export interface RestoreTask {
  readonly catalog: Catalog
  readonly records: AsyncIterable<SnapshotRecord>
  /** What the log says where the records came from. */
  readonly snapshot: string
  readonly dryRun: boolean
  readonly pause: () => Promise<void>
}

/** On disk when it resolves. @throws STORE_FAILED, and what reading the records throws */
export async function restoreRecords(task: RestoreTask): Promise<RestoreCounts> {
  const { journal } = task.catalog
  const counts: RestoreCounts = {
    sessions: 0,
    created: 0,
    merged: 0,
    unchanged: 0,
    terminatedHere: 0,
    refused: 0,
    refusals: [],
  }
  for await (const record of task.records) {
    counts.sessions++
    await restoreOne(task, record, counts)
    if (counts.sessions % FLUSH_EVERY !== 0) continue
    await journal.flush()
    await task.pause()
  }
  await journal.flush()
  return counts
}

async function restoreOne(task: RestoreTask, record: SnapshotRecord, counts: RestoreCounts): Promise<void> {
  try {
    counts[await merge(task, record)]++
  } catch (error) {
    if (!hasCode(error) || error.code === 'STORE_FAILED') throw error
    counts.refused++
    if (counts.refusals.length >= REFUSALS_MAX) return
    counts.refusals.push({ session: record.session, code: error.code, message: error.message })
  }
}

async function merge(task: RestoreTask, record: SnapshotRecord): Promise<Outcome> {
  const { catalog, snapshot, dryRun } = task
  // After a start it may be on disk and not yet read.
  const entry = catalog.get(record.session) ?? (await catalog.loading.bring(record.session))
  const source = { origin: 'snapshot', boot: snapshot, frameSequence: 0 }
  if (entry === undefined) {
    if (!dryRun) catalog.receiveDiff(record.session, record.update, source)
    return 'created'
  }
  // Its document is wanted for comparing; a cold session's update would be logged whether or not it is news.
  const doc = await catalog.acquire(entry)
  try {
    if (digestsEqual(digestOf(doc), record.digest)) return 'unchanged'
    if (isTerminatedHere(entry) && !record.terminated) return 'terminatedHere'
    if (dryRun) return bringsNews(doc, record.update) ? 'merged' : 'unchanged'
    return catalog.receiveDiff(record.session, record.update, source) === 'known' ? 'unchanged' : 'merged'
  } finally {
    catalog.release(entry)
  }
}

function isTerminatedHere({ terminatedAt }: Entry): boolean {
  return terminatedAt !== undefined
}

/** Tried on a copy. */
function bringsNews(doc: Y.Doc, update: Uint8Array): boolean {
  const copy = createDocument(doc.guid)
  Y.applyUpdate(copy, Y.encodeStateAsUpdate(doc))
  const before = digestOf(copy)
  Y.applyUpdate(copy, update)
  const news = !digestsEqual(before, digestOf(copy))
  copy.destroy()
  return news
}
