// Guarantees 1 and 5, on real processes and disks: what was acknowledged is found again, whoever is killed and when.
// SIGKILL loses what a process holds in memory, not what the kernel has; a loss of power is the simulator's business.
import { afterEach, expect, test } from 'vitest'
import type { Receipt, SessionSummary, SessionView } from '../../node/api.ts'
import { startMesh, type Mesh, type PeerProcess } from '../support/mesh.ts'

const ROUNDS = 3
const WRITERS = 8
const ACKS_BEFORE_KILL = 300
const BATCHES = 40
const BATCH = 500
const SAMPLE = 300

let mesh: Mesh
afterEach(() => mesh.close())

test('an acknowledged write survives on another disk when everyone is killed', async () => {
  mesh = await startMesh(3)
  const [writer, second, third] = [mesh.peer(0), mesh.peer(1), mesh.peer(2)]
  const written = new Map<string, number>()
  for (let round = 0; round < ROUNDS; round++) {
    const load = startWriters(writer, `r${round}`, written)
    await load.acknowledged(WRITERS + Math.floor(Math.random() * ACKS_BEFORE_KILL))
    await Promise.all([second.kill(), third.kill()])
    await load.stop()
    await writer.kill()

    await Promise.all([second.start(), third.start()])
    await mesh.formed([second, third])
    await mesh.equal([second, third])
    const missing = await missingOn(second, written)
    expect(missing, `round ${round}: of ${written.size} acknowledged`).toEqual([])
    await writer.start()
    await mesh.formed()
    await mesh.equal()
  }
  expect(written.size).toBe(ROUNDS * WRITERS)
})

test('20,000 sessions survive the death of all peers at once', async () => {
  mesh = await startMesh(3)
  const acknowledged = new Set<string>()
  await Promise.all(
    mesh.peers.map(async (peer, index) => {
      for (let batch = index; batch < BATCHES; batch += mesh.peers.length) {
        const ids = Array.from({ length: BATCH }, (_, i) => `s${batch * BATCH + i}`)
        const writes = ids.map((session) => ({ session, set: { v: session }, create: true }))
        const { results } = await peer.client.post<{ results: { receipt?: Receipt }[] }>('/v1/batch', { writes })
        ids.filter((_, i) => results[i]?.receipt !== undefined).forEach((id) => acknowledged.add(id))
      }
    }),
  )
  expect(acknowledged.size).toBe(BATCHES * BATCH)

  await Promise.all(mesh.peers.map((peer) => peer.kill()))
  await Promise.all(mesh.peers.map((peer) => peer.start()))
  await mesh.formed()
  expect(await mesh.equal(mesh.peers, 30_000)).toBe(acknowledged.size)
  const listed = await listAll(mesh.peer(0)) // the others' hashes over all ids and contents are equal to this one's
  expect([...acknowledged].filter((id) => !listed.has(id))).toEqual([])
  const sample = Array.from({ length: SAMPLE }, () => `s${Math.floor(Math.random() * acknowledged.size)}`)
  for (const peer of mesh.peers) {
    expect(await peer.client.get('/v1/sessions/count')).toEqual({ count: acknowledged.size })
    const views = await Promise.all(sample.map((id) => peer.client.get<SessionView>(`/v1/sessions/${id}`)))
    expect(views.map(({ data }) => data)).toEqual(sample.map((v) => ({ v })))
  }
})

interface Load {
  /** Resolves at this acknowledgement, counted from the start: the kill comes right after it. */
  acknowledged(count: number): Promise<void>
  stop(): Promise<void>
}

/**
 * Writers that overwrite one session each, one write after another, and note the last value that had two copies. A
 * degraded receipt promises one disk alone, and is not noted.
 */
function startWriters(peer: PeerProcess, prefix: string, written: Map<string, number>): Load {
  const state = { stopped: false }
  let acks = 0
  let onAck = () => {}
  const write = async (id: string): Promise<void> => {
    await peer.client.post('/v1/sessions', { id })
    for (let n = 1; !state.stopped; n++) {
      const receipt = await peer.client.patch<Receipt>(`/v1/sessions/${id}`, { set: { n } })
      if (receipt.copies < 2 || receipt.degraded) return
      written.set(id, n)
      acks++
      onAck()
    }
  }
  const running = Promise.all(Array.from({ length: WRITERS }, (_, i) => write(`${prefix}-${i}`)))
  return {
    acknowledged(count) {
      const reached = new Promise<void>((resolve) => {
        onAck = () => {
          if (acks >= count) resolve()
        }
      })
      return Promise.race([reached, running.then(() => {})])
    },
    async stop() {
      state.stopped = true
      await running
    },
  }
}

/** Acknowledged writes that `peer` has not got, nor anything newer of the same session. */
async function missingOn(peer: PeerProcess, written: ReadonlyMap<string, number>): Promise<string[]> {
  const missing: string[] = []
  for (const [id, n] of written) {
    const view = await peer.client.get<SessionView>(`/v1/sessions/${id}`).catch(() => undefined)
    const found = (view?.data as { n?: number } | undefined)?.n ?? 0
    if (found < n) missing.push(`${id}: ${found} of ${n}`)
  }
  return missing
}

async function listAll(peer: PeerProcess): Promise<Set<string>> {
  const all = new Set<string>()
  let last = ''
  for (;;) {
    const page = await peer.client.get<SessionSummary[]>(`/v1/sessions?limit=5000&after=${last}`)
    for (const { id } of page) all.add(id)
    const end = page.at(-1)
    if (end === undefined) return all
    last = end.id
  }
}
