// One field of one session set again and again at one of two peers, both with a real disk: what is left of it.
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { encodeStateAsUpdate } from 'yjs'
import { resolveConfig } from '../node/config.ts'
import { MeshPeer } from '../node/peer.ts'
import { systemClock } from '../node/ports/clock.ts'
import { systemRandom } from '../node/ports/random.ts'
import type { Store } from '../node/ports/store.ts'
import { createLevelStore } from '../node/store/level.ts'
import { isMissing } from '../node/util/files.ts'
import { delay } from '../node/util/timers.ts'
import { waitFor } from '../node/demo/waits.ts'
import { createMemoryNetwork } from '../transport/memory/index.ts'

const ID = 'overwritten'
/** Writes that wait for their receipts at a time. */
const IN_FLIGHT = 256
/** How often sizes are looked at on the way. */
const LOOK_EVERY = 8_192
/** Until the peers have nothing under way. */
const REST_MS = 1_000

export interface PeerSize {
  readonly name: string
  /** Log records kept, for `history` and `rebuild --at`, and their bytes. */
  readonly records: number
  readonly recordBytes: number
  /** What older records were folded into. */
  readonly baseBytes: number
  /** Of the directory of the database: the most it was, at the end, and after giving room back. */
  readonly diskBytesMax: number
  readonly diskBytes: number
  readonly diskBytesReclaimed: number
}

export interface OverwriteReport {
  readonly writes: number
  readonly seconds: number
  readonly writesPerSecond: number
  /** The document, whole, as an update. */
  readonly documentBytes: number
  /** How much more heap both peers together use than before the first write; and the process at its most. */
  readonly heapBytes: number
  readonly residentBytesMax: number
  readonly peers: readonly PeerSize[]
}

interface Subject {
  readonly name: string
  readonly directory: string
  readonly store: Store
  readonly peer: MeshPeer
  diskBytesMax: number
}

/** @param directory is left to the caller to remove */
export async function overwrite(
  directory: string,
  writes: number,
  onProgress: (done: number) => void = () => {},
): Promise<OverwriteReport> {
  const network = createMemoryNetwork({ timers: systemClock })
  const subjects = ['a', 'b'].map((name): Subject => {
    const store = createLevelStore({ directory: join(directory, name) })
    const options = { name, http: false as const, shardCount: 8, snapshotIntervalMs: 0 }
    const transport = async () => network.transport(name)
    const ports = { clock: systemClock, random: systemRandom, store, transport, log: () => {} }
    return { name, directory, store, peer: new MeshPeer(resolveConfig(options), ports), diskBytesMax: 0 }
  })
  try {
    await Promise.all(subjects.map(({ peer }) => peer.start()))
    return await run(subjects, writes, onProgress)
  } finally {
    await Promise.all(subjects.map(({ peer }) => peer.stop()))
  }
}

async function run(subjects: Subject[], writes: number, onProgress: (done: number) => void): Promise<OverwriteReport> {
  const [writer] = subjects
  if (writer === undefined) throw new Error('there is nobody to write')
  await waitFor('the peers to see each other', async () => writer.peer.members().length === subjects.length)
  const { session } = await writer.peer.sessions.create(ID, { data: { count: 0 } })
  const heapBefore = heapBytes()
  let residentBytesMax = 0
  const startedAt = performance.now()
  let done = 0
  while (done < writes) {
    const count = Math.min(IN_FLIGHT, writes - done)
    const before = done
    await Promise.all(Array.from({ length: count }, (_, i) => session.set('count', before + i + 1)))
    done += count
    onProgress(done)
    if (done % LOOK_EVERY !== 0) continue
    residentBytesMax = Math.max(residentBytesMax, process.memoryUsage.rss())
    for (const subject of subjects) subject.diskBytesMax = Math.max(subject.diskBytesMax, diskBytes(subject))
  }
  const seconds = (performance.now() - startedAt) / 1_000
  await waitFor('all to have everything', async () => {
    const counts = await Promise.all(subjects.map(({ peer }) => peer.sessions.get(ID)))
    return counts.every(({ data }) => (data as { count: number }).count === writes)
  })
  await delay(systemClock, REST_MS)
  const documentBytes = encodeStateAsUpdate(session.doc).length
  const heap = heapBytes() - heapBefore
  session.close()
  return {
    writes,
    seconds: Number(seconds.toFixed(1)),
    writesPerSecond: Math.round(writes / seconds),
    documentBytes,
    heapBytes: heap,
    residentBytesMax,
    peers: await Promise.all(subjects.map(sizeOf)),
  }
}

async function sizeOf(subject: Subject): Promise<PeerSize> {
  const { name, store, diskBytesMax } = subject
  const stored = await store.read(ID)
  const bytes = diskBytes(subject)
  await store.reclaim()
  return {
    name,
    records: stored?.tail.length ?? 0,
    recordBytes: stored?.tail.reduce((sum, { update }) => sum + update.length, 0) ?? 0,
    baseBytes: stored?.base?.update.length ?? 0,
    diskBytesMax: Math.max(diskBytesMax, bytes),
    diskBytes: bytes,
    diskBytesReclaimed: diskBytes(subject),
  }
}

function diskBytes({ directory, name }: Subject): number {
  const path = join(directory, name, 'db')
  return readdirSync(path).reduce((sum, file) => sum + sizeOfFile(join(path, file)), 0)
}

function sizeOfFile(path: string): number {
  try {
    return statSync(path).size
  } catch (error) {
    // The database removes files as it likes.
    if (isMissing(error)) return 0
    throw error
  }
}

/** What is in use, after a full collection. */
function heapBytes(): number {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
  return process.memoryUsage().heapUsed
}
