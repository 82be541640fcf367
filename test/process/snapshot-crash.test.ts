// A peer killed at any byte of a snapshot it is writing: the snapshots before it are whole, the half one is no snapshot.
import { spawn } from 'node:child_process'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { systemClock } from '../../node/ports/clock.ts'
import { systemRandom } from '../../node/ports/random.ts'
import { createFileTarget } from '../../node/snapshots/file-target.ts'
import { createMemoryStore } from '../../node/store/memory.ts'
import { createMemoryNetwork } from '../../transport/memory/index.ts'
import { memoryPeer } from '../support/memory-mesh.ts'
import { WRITER } from '../support/snapshot-writer.ts'

const NODE = join(import.meta.dirname, '../../node_modules/.bin/node')
const SCRIPT = join(import.meta.dirname, '../support/snapshot-writer.ts')

test('killed at any byte of a snapshot, the ones before it stay whole', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'sessionmesh-snapshots-'))
  try {
    // The first bytes, the borders of sections, the end of a first file, and the middle of later increments.
    const points = [0, 5, 8, 13, 200, 1_000, 6_000, 9_000, 11_000, 14_000, 20_000, 30_000, 45_000, 70_000]
    let partials = 0
    for (const [seed, killAtByte] of points.entries()) {
      const persisted = await runUntilKilled(directory, killAtByte, seed)
      partials += (await readdir(directory)).filter((file) => file.endsWith('.partial')).length
      await expectAllWhole(directory, persisted)
    }
    expect(partials).toBeGreaterThan(0)
    expect((await readdir(directory)).filter((file) => file.endsWith('.partial'))).toEqual([])
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
})

/** The ids that the process printed before it died. */
async function runUntilKilled(directory: string, killAtByte: number, seed: number): Promise<string[]> {
  const child = spawn(NODE, [SCRIPT, directory, String(killAtByte), String(seed)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = new Promise<NodeJS.Signals | null>((resolve) => child.on('exit', (_code, signal) => resolve(signal)))
  const printed = await text(child.stdout)
  expect(await ended).toBe('SIGKILL')
  return printed.split('\n').filter((line) => line !== '')
}

/** Opened by the peer that comes back: it verifies every file there is, and the last one that was acknowledged is there. */
async function expectAllWhole(directory: string, persisted: readonly string[]): Promise<void> {
  const transport = createMemoryNetwork({ timers: systemClock }).transport(WRITER)
  const snapshotTarget = createFileTarget(directory, systemRandom)
  const peer = memoryPeer(transport, createMemoryStore(), { name: WRITER, snapshotIntervalMs: 0 }, { snapshotTarget })
  await peer.start()
  try {
    const infos = await peer.snapshots.list()
    for (const { id, damage } of infos) {
      expect(damage).toBeNull()
      await peer.snapshots.verify(id)
    }
    const last = persisted.at(-1)
    if (last !== undefined) expect(infos.map(({ id }) => id)).toContain(last)
  } finally {
    await peer.stop()
  }
}
