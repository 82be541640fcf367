// Session guarantees on real processes: clients that go to another peer for every request, carrying the token of the last
// answer, meet their own writes and deletions each time, while peers are killed with SIGKILL and come back. Clients
// travel in parties: one request for all of them, each with its own session and its own token.
import { afterEach, expect, test } from 'vitest'
import type { Receipt, SessionView } from '../../node/api.ts'
import { after, startMesh, waitFor, type Mesh, type PeerProcess } from '../support/mesh.ts'

const PEERS = 4
const PARTIES = 4
const PARTY = 50
const HOPS = Number(process.env['HOPS'] ?? 4_000)
const KILL_EVERY_MS = 1_000
/** For how long a client looks for a peer that serves it. */
const PATIENCE_MS = 60_000

type Result<T> = T & { readonly error?: { readonly code: string; readonly message: string } }

let mesh: Mesh
afterEach(() => mesh.close())

test('a client that hops to another peer after every write reads its own write every time', async () => {
  mesh = await startMesh(PEERS)
  const tally = { right: 0, wrong: [] as string[], refused: 0 }
  const travels = Array.from({ length: PARTIES }, (_, party) => travel(party, HOPS / PARTIES / PARTY, tally))
  const all = Promise.all(travels)
  const kills = await killUntil(all)
  await all
  expect(tally.wrong).toEqual([])
  expect(tally.right).toBe(HOPS)
  // Or nothing was proved.
  expect(kills).toBeGreaterThan(1)
  expect(tally.refused).toBeGreaterThan(0)
})

/** Kills one peer after the other, and starts it again, until it is over. Returns how many. */
async function killUntil(end: Promise<unknown>): Promise<number> {
  let isOver = false
  const over = () => void (isOver = true)
  end.then(over, over)
  let kills = 0
  while (!isOver) {
    await after(KILL_EVERY_MS)
    const victim = mesh.peer(kills++ % PEERS)
    await victim.kill()
    await after(KILL_EVERY_MS)
    await victim.start()
  }
  return kills
}

async function travel(party: number, hops: number, tally: { right: number; wrong: string[]; refused: number }) {
  const sessions = Array.from({ length: PARTY }, (_, index) => `s${party}-${index}`)
  const tokens = new Map<string, string>()
  const refused = () => void tally.refused++
  for (let n = 1; n <= hops; n++) {
    // Every other write is a deletion and nothing else.
    const change = n % 2 === 0 ? { delete: ['k'] } : { set: { k: n } }
    const written = (session: string) => {
      const token = tokens.get(session)
      return { session, ...change, timeoutMs: 2_000, ...(token === undefined ? { create: true } : { after: token }) }
    }
    const receipts = await ask<{ receipt: Receipt }>(
      sessions,
      (peer, ids) => peer.client.post('/v1/batch', { writes: ids.map(written) }),
      refused,
    )
    for (const [session, { receipt }] of receipts) tokens.set(session, receipt.token)
    const read = (id: string) => ({ id, after: tokens.get(id), timeoutMs: 2_000 })
    const views = await ask<{ view: SessionView }>(
      sessions,
      (peer, ids) => peer.client.post('/v1/read', { sessions: ids.map(read) }),
      refused,
    )
    for (const [session, { view }] of views) {
      const { k } = view.data as { k?: number }
      if (k === (n % 2 === 0 ? undefined : n)) tally.right++
      else tally.wrong.push(`${session} shows ${k} after ${n}`)
      tokens.set(session, view.token)
    }
  }
}

/** Asks peers at random, each for what those before have refused. */
async function ask<T>(
  sessions: readonly string[],
  request: (peer: PeerProcess, sessions: readonly string[]) => Promise<{ results: readonly Result<T>[] }>,
  refused: () => void,
): Promise<Map<string, T>> {
  const answers = new Map<string, T>()
  const attempt = async (): Promise<boolean> => {
    const open = sessions.filter((session) => !answers.has(session))
    const peer = mesh.peer(Math.floor(Math.random() * PEERS))
    try {
      const { results } = await request(peer, open)
      for (const [index, session] of open.entries()) {
        const result = results[index]
        if (result === undefined || result.error !== undefined) refused()
        else answers.set(session, result)
      }
    } catch (error) {
      refused()
      throw error
    }
    return answers.size === sessions.length
  }
  await waitFor(attempt, { timeoutMs: PATIENCE_MS, what: 'answers to all' })
  return answers
}
