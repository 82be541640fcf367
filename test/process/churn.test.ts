// Seven real peers keep every session three times. Two at a time are killed with SIGKILL while clients write; a new one joins
// meanwhile, one of the two comes back with its disk, the other never does. After each round the factor must be restored and every
// acknowledged write be there. `CHURN_ROUNDS=20` for as many rounds, `CHURN_SEED=N` for the same choice of victims.
import { once } from 'node:events'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Member, SessionsStatus, SessionSummary, ShardStatus, UnderReplicated } from '../../node/api.ts'
import { createSessions } from '../../node/demo/create-sessions.ts'
import { Ledger } from '../../node/demo/ledger.ts'
import { WriteLoad } from '../../node/demo/load.ts'
import { ProcessMesh, type PeerProcess } from '../../node/demo/processes.ts'
import { Dice } from '../../sim/world/dice.ts'
import { after, waitFor } from '../support/wait.ts'

const PEERS = 7
const FACTOR = 3
const SESSIONS = 200
const WRITERS = 4
const ROUNDS = Number(process.env['CHURN_ROUNDS'] ?? 4)
const SEED = process.env['CHURN_SEED'] ?? String(Date.now())
/** From the kill until the factor is restored, three processes having been started meanwhile. */
const ROUND_MS = 60_000
/** Until a peer that is no replica has an answer for each session. */
const SERVED_MS = 20_000
const LOOK_INTERVAL_MS = 200

interface Answers {
  readonly results: readonly { readonly error?: { readonly code: string } }[]
}

let mesh: ProcessMesh
beforeEach(() => {
  mesh = new ProcessMesh()
})
afterEach(() => mesh.close())

test(
  `two of ${PEERS} peers die at once, ${ROUNDS} times, and no acknowledged write is lost`,
  { timeout: 60_000 + ROUNDS * (ROUND_MS + SERVED_MS + 15_000) },
  async () => {
    process.stdout.write(`churn: CHURN_SEED=${SEED}\n`)
    const dice = new Dice(`churn/${SEED}`)
    for (let n = 1; n <= PEERS; n++) await mesh.start(`p${n}`)
    // A peer that has just started may wait for others in vain, and refuses to create what they might know.
    await mended('after the start')
    const ledger = new Ledger()
    const sessions = await createSessions(dice.pick(mesh.peers()).client, ledger, SESSIONS, () => {})
    await mended('before the first round')
    for (let round = 1; round <= ROUNDS; round++) {
      const before = ledger.writes
      const load = new WriteLoad({ ledger, sessions, writers: WRITERS, target: () => dice.pick(mesh.peers()).client })
      const happened = await churn(round, dice)
      await load.stop()
      expect(ledger.writes).toBeGreaterThan(before)
      const reader = dice.pick(mesh.peers())
      await served(reader, sessions)
      const checked = await ledger.check(reader.client)
      expect(checked).toEqual({ sessions: SESSIONS, lost: 0, hash: ledger.hash() })
      const line = `${happened}; ${ledger.writes - before} writes acknowledged, ${checked.lost} of all lost`
      process.stdout.write(`churn: round ${round}: ${line}\n`)
    }
    for (const peer of mesh.peers()) {
      await served(peer, sessions)
      expect((await ledger.check(peer.client)).lost).toBe(0)
    }
  },
)

/** Kills two, and makes them seven again. Returns what happened, with times. */
async function churn(round: number, dice: Dice): Promise<string> {
  const [back, gone] = dice.shuffle(mesh.peers()) as [PeerProcess, PeerProcess]
  await after(dice.below(1_000))
  const start = performance.now()
  const exits = [back, gone].map(({ child }) => once(child, 'exit'))
  for (const { name } of [back, gone]) mesh.kill(name)
  await Promise.all(exits)
  await after(dice.below(1_500))
  const joined = await mesh.start(`p${PEERS + round}`)
  await after(dice.below(1_500))
  await mesh.start(back.name)
  const startedMs = performance.now() - start
  await mended(`round ${round}, ${gone.name} gone, ${back.name} back, ${joined.name} new`)
  const tookMs = performance.now() - start
  return `${gone.name} gone, ${back.name} back, ${joined.name} new: all started after ${seconds(startedMs)}, mended after ${seconds(tookMs)}`
}

/** Everyone sees seven, and every shard complete on three of them; nobody knows of a session that lacks a copy or a live home, or is orphaned. */
async function mended(when: string): Promise<void> {
  await waitFor(
    async () => {
      const troubles = (await Promise.all(mesh.peers().map(troublesOf))).flat()
      if (troubles.length > 0) throw new Error(troubles.slice(0, 12).join('\n'))
      return true
    },
    { timeoutMs: ROUND_MS, intervalMs: LOOK_INTERVAL_MS, what: `the factor to be restored, ${when}` },
  )
}

/** Or else what a busy peer does not answer in time would look like what is lost. */
async function served(reader: PeerProcess, sessions: readonly string[]): Promise<void> {
  let refused: string[] = []
  const areServed = async () => {
    const { results } = (await reader.client.call('POST', '/v1/read', { sessions })) as Answers
    refused = results.flatMap(({ error }, index) => (error === undefined ? [] : [`${sessions[index]} ${error.code}`]))
    return refused.every((what) => !what.endsWith(' SESSION_UNAVAILABLE'))
  }
  await waitFor(areServed, { timeoutMs: SERVED_MS, what: `${reader.name} to serve everything` })
  expect(refused).toEqual([])
}

async function troublesOf({ name, client }: PeerProcess): Promise<string[]> {
  const members = (await client.get('/v1/members')) as Member[]
  const alive = new Map(members.flatMap(({ peer, name: its, status }) => (status === 'alive' ? [[peer, its]] : [])))
  if (alive.size !== PEERS) return [`${name} sees ${[...alive.values()].join(', ')}`]
  const shards = (await client.get('/v1/replication/shards')) as ShardStatus[]
  const lacking = shards.filter(({ replicas }) => {
    return replicas.length !== FACTOR || replicas.some(({ state }) => state !== 'complete')
  })
  const { count, sessions } = (await client.get('/v1/replication/under-replicated')) as UnderReplicated
  const homes = (await client.get('/v1/sessions?limit=1000')) as SessionSummary[]
  const homeless = homes.filter(({ home }) => !alive.has(home))
  const { orphaned } = (await client.get('/v1/status')) as SessionsStatus
  return [
    ...(orphaned === 0 ? [] : [`${name}: ${orphaned} orphaned`]),
    ...lacking.map(({ shard, replicas }) => {
      return `${name}: shard ${shard} ${replicas.map(({ peer, state }) => `${alive.get(peer)} ${state}`).join(', ')}`
    }),
    ...(count === 0 ? [] : [`${name}: ${count} under-replicated, ${sessions[0]?.session} ${sessions[0]?.reason}`]),
    ...homeless.map(({ id, home }) => `${name}: ${id} has its home at ${home}`),
  ]
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`
}
