// Looking at all of a snapshot: every byte by its checksums (read.ts), every session by its document.
import * as Y from 'yjs'
import { ContentHash, createDocument, digestOf, digestsEqual, toHex } from '../../crdt/index.ts'
import type { SnapshotTarget } from '../ports/snapshot-target.ts'
import type { SnapshotVerification } from './api.ts'
import { openChain, type Chain } from './chain.ts'
import { corrupt, type SnapshotRecord } from './format.ts'

/** Documents rebuilt before others get a turn. */
const SLICE = 64

/** @throws SNAPSHOT_CORRUPT, SNAPSHOT_NOT_FOUND, SNAPSHOT_TARGET_FAILED */
export async function verifyChain(
  target: SnapshotTarget,
  chain: Chain,
  onBytes: (bytes: number) => void,
  pause: () => Promise<void>,
): Promise<SnapshotVerification> {
  const reader = await openChain(target, chain, onBytes)
  const id = chain.ids.at(-1) ?? ''
  try {
    const counts = { sessions: 0, terminated: 0 }
    const contentHash = new ContentHash(reader.header.shardCount)
    for await (const record of reader.records) {
      assertSound(id, record)
      counts.sessions++
      if (record.terminated) counts.terminated++
      contentHash.add(record.session, record.digest)
      if (counts.sessions % SLICE === 0) await pause()
    }
    return { id, chain: chain.ids, bytes: chain.bytes, ...counts, hash: toHex(contentHash.value()) }
  } finally {
    await reader.close()
  }
}

/** Checksums say that it is what was written, this says that what was written is a session. */
function assertSound(id: string, { session, digest, update }: SnapshotRecord): void {
  const doc = createDocument(session)
  try {
    Y.applyUpdate(doc, update)
  } catch (cause) {
    throw corrupt(`snapshot ${id} is damaged: session ${session} is no document`, cause)
  }
  const same = digestsEqual(digestOf(doc), digest)
  doc.destroy()
  if (!same) throw corrupt(`snapshot ${id} is damaged: session ${session} is not what its digest says`)
}
