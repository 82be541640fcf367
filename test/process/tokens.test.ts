// Session guarantees on real processes: clients that go to another peer for every request, carrying the token of the last
// answer, meet their own writes and deletions each time, while peers are killed with SIGKILL and come back. Clients
// travel in parties: one request for all of them, each with its own session and its own token.
//
// An attempt that was not answered may have been made nevertheless. When it is made again elsewhere, nobody there knows of
// the first: the two are concurrent, and so is the first to all that the client writes later. Its value may come up at any
// time. Hence each attempt writes a value of its own, and only such values may be met besides the last acknowledged one.
import { afterEach, expect, test } from 'vitest'
import type { Receipt, SessionView } from '../../node/api.ts'
import { after, startMesh, waitFor, type Mesh, type PeerProcess } from '../support/mesh.ts'

const PEERS = 4
const PARTIES = 4
const PARTY = 50
const HOPS = Number(process.env['HOPS'] ?? 10_000)
const KILL_EVERY_MS = 1_000
/** For how long a client looks for a peer that serves it. */
const PATIENCE_MS = 60_000

interface Tally {
  right: number
  readonly wrong: string[]
  refused: number
}

type Result<T> = T & { readonly error?: { readonly code: string; readonly message: string } }

let mesh: Mesh
afterEach(() => mesh.close())

test('a client that hops to another peer after every write reads its own write every time', async () => {
  mesh = await startMesh(PEERS)
  const tally: Tally = { right: 0, wrong: [], refused: 0 }
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

async function travel(party: number, hops: number, tally: Tally) {
  const clients = new Map(Array.from({ length: PARTY }, (_, index) => [`s${party}-${index}`, new Client()]))
  const clientOf = (session: string) => clients.get(session) as Client
  const sessions = [...clients.keys()]
  const refused = () => void tally.refused++
  for (let n = 1; n <= hops; n++) {
    const receipts = await ask<{ receipt: Receipt }>(
      sessions,
      (peer, open) => {
        const writes = open.map((session) => ({ session, timeoutMs: 2_000, ...clientOf(session).write(n) }))
        return peer.client.post('/v1/batch', { writes })
      },
      refused,
    )
    for (const [session, { receipt }] of receipts) clientOf(session).acknowledged(receipt.token)
    const views = await ask<{ view: SessionView }>(
      sessions,
      (peer, open) => {
        const reads = open.map((id) => ({ id, after: clientOf(id).token, timeoutMs: 2_000 }))
        return peer.client.post('/v1/read', { sessions: reads })
      },
      refused,
    )
    for (const [session, { view }] of views) {
      const { k } = view.data as { k?: string }
      if (clientOf(session).meets(k)) tally.right++
      else tally.wrong.push(`${session} shows ${k} after ${n}`)
      clientOf(session).token = view.token
    }
  }
}

/** What a client remembers of its session. */
class Client {
  token: string | undefined
  #attempts = 0
  /** What the last attempt wrote; undefined: it deleted. */
  #last: string | undefined
  readonly #acknowledged = new Set<string | undefined>()
  readonly #written = new Set<string>()

  /** Every other write is a deletion and nothing else. */
  write(n: number): object {
    const origin = this.token === undefined ? { create: true } : { after: this.token }
    this.#last = n % 2 === 0 ? undefined : `${n}, attempt ${++this.#attempts}`
    if (this.#last === undefined) return { delete: ['k'], ...origin }
    this.#written.add(this.#last)
    return { set: { k: this.#last }, ...origin }
  }

  acknowledged(token: string): void {
    this.token = token
    this.#acknowledged.add(this.#last)
  }

  /** Whether that is its last write, or one of which it was never told what became of it. */
  meets(value: string | undefined): boolean {
    return value === this.#last || (value !== undefined && this.#written.has(value) && !this.#acknowledged.has(value))
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
