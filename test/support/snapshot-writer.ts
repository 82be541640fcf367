// A process that takes snapshots into a directory until it is killed, or kills itself after having written so many
// bytes of one: what the crash test runs. `node snapshot-writer.ts DIRECTORY KILL_AT_BYTE SEED`; prints the id of every
// snapshot once it is persisted.
import { writeSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { systemRandom } from '../../node/ports/random.ts'
import type { SnapshotTarget } from '../../node/ports/snapshot-target.ts'
import { createFileTarget } from '../../node/snapshots/file-target.ts'
import { createMemoryStore } from '../../node/store/memory.ts'
import { createMemoryNetwork } from '../../transport/memory/index.ts'
import { systemClock } from '../../node/ports/clock.ts'
import { memoryPeer } from './memory-mesh.ts'

/** Under this name, and hence with this tag, every writer writes: one peer that comes back. */
export const WRITER = 'writer'
const SESSIONS = 120

async function main(directory: string, killAtByte: number, seed: number): Promise<void> {
  const store = createMemoryStore()
  const transport = createMemoryNetwork({ timers: systemClock }).transport(WRITER)
  const snapshotTarget = dying(createFileTarget(directory, systemRandom), killAtByte)
  const options = { name: WRITER, snapshotIntervalMs: 0, durability: 'local' as const, snapshotIncrementsMax: 3 }
  const peer = memoryPeer(transport, store, options, { snapshotTarget })
  await peer.start()
  for (let round = 0; ; round++) {
    for (let i = 0; i < SESSIONS; i += round % 4 === 0 ? 1 : 40) {
      const session = await peer.sessions.openOrCreate(`s${i}`)
      await session.set('n', `${seed} ${round} ${systemRandom.float()}`)
      session.close()
    }
    const { id } = await peer.snapshots.create({ kind: 'auto' })
    await peer.snapshots.persist(id)
    await peer.snapshots.prune()
    writeSync(1, `${id}\n`)
  }
}

/** Hands on the bytes in small pieces, and kills the process in the middle of them. */
function dying(target: SnapshotTarget, killAtByte: number): SnapshotTarget {
  let written = 0
  async function* pieces(chunks: AsyncIterable<Uint8Array>) {
    for await (const chunk of chunks) {
      for (let at = 0; at < chunk.length; at += 7) {
        if (written >= killAtByte) process.kill(process.pid, 'SIGKILL')
        const piece = chunk.subarray(at, at + 7)
        written += piece.length
        yield piece
      }
    }
  }
  return {
    place: target.place,
    open: (isOwn) => target.open(isOwn),
    put: (name, chunks) => target.put(name, pieces(chunks)),
    get: (name, from) => target.get(name, from),
    list: () => target.list(),
    remove: (name) => target.remove(name),
  }
}

const [, script = '', directory = '', killAtByte = '', seed = '0'] = process.argv
if (import.meta.url === pathToFileURL(script).href) await main(directory, Number(killAtByte), Number(seed))
