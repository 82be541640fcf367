// Plays a plan of the simulator in real time, on real processes, and records what is left when all is over.
import type { Member, SessionView, ShardStatus } from '../../../node/api.ts'
import type { StoredSession } from '../../../node/ports/store.ts'
import { createLevelStore } from '../../../node/store/level.ts'
import type { RecordedAnswer, RecordedMachine, Recording } from '../../../sim/checkers/recorded.ts'
import { blockades } from '../../../sim/faults/blockades.ts'
import type { Plan } from '../../../sim/plan/plan.ts'
import { errorCode, History } from '../../../sim/workload/history.ts'
import type { PeerProcess } from '../peer-process.ts'
import { after, waitFor } from '../wait.ts'
import { Clients } from './clients.ts'
import { assertPlaced, assertReplicasEqual } from './equal.ts'
import { startNetMesh, type NetMesh } from './mesh.ts'

export interface Played {
  readonly recording: Recording
  /** What clients were refused without cause. */
  readonly troubles: readonly string[]
  /** Packets that the closed links have swallowed. */
  readonly dropped: number
  /** From the opening of all links until all peers saw each other alive and all replicas held the same. */
  readonly equalMs: number
}

type LastWords = Omit<RecordedMachine, 'stored'>

const CALM_MS = 20_000
/** Letting go takes its time, and nobody waits for it. */
const PLACED_MS = 30_000

interface Hash {
  readonly sessions: number
  readonly hash: string
}

/** @throws Error if the replicas are not equal `settleMs` after all links are open */
export async function play(plan: Plan): Promise<Played> {
  const mesh = await startNetMesh(plan)
  try {
    return await playOn(mesh, plan)
  } finally {
    await mesh.close()
  }
}

async function playOn(mesh: NetMesh, plan: Plan): Promise<Played> {
  const start = performance.now()
  const now = () => performance.now() - start
  const history = new History()
  const clients = new Clients({ plan, mesh, history, now })
  const [openedAt] = await Promise.all([cutAndOpen(mesh, plan, now), clients.run()])
  const equalMs = (await equalAt(mesh, plan, now)) - openedAt
  const dropped = await mesh.network.dropped()
  const machines = await record(mesh, plan)
  return { recording: { plan, history, now: now() * 1_000, machines }, troubles: clients.troubles, dropped, equalMs }
}

/** Returns when all links were open for good. */
async function cutAndOpen({ network }: NetMesh, plan: Plan, now: () => number): Promise<number> {
  for (const { at, links } of blockades(plan)) {
    await after(Math.max(0, at - now()))
    await network.close(links)
  }
  await after(Math.max(0, plan.chaosMs - now()))
  await network.close([])
  return now()
}

async function equalAt({ peers }: NetMesh, { settleMs }: Plan, now: () => number): Promise<number> {
  const all = [...peers.values()]
  let at = 0
  const areEqual = async () => {
    at = now()
    await assertReplicasEqual(all)
    return true
  }
  await waitFor(areEqual, { timeoutMs: settleMs, what: 'equal replicas on peers that see each other alive' })
  return at
}

async function record(mesh: NetMesh, plan: Plan): Promise<RecordedMachine[]> {
  const sessions = [...new Set(plan.operations.map(({ session }) => session))].toSorted()
  await waitFor(() => assertPlaced([...mesh.peers.values()]).then(() => true), {
    timeoutMs: PLACED_MS,
    what: 'peers that hold nothing but their own',
  })
  const said = await settledWords(mesh, sessions)
  // Who leaves in order hands over to the others first.
  await Promise.all([...mesh.peers.values()].map((peer) => peer.kill()))
  const machines: RecordedMachine[] = []
  for (const words of said) machines.push({ ...words, stored: await readStore(mesh.storeOf(words.name)) })
  return machines
}

/** A peer that was starved for a second may have been suspected for that long. Who stays so is for checkers to judge. */
async function settledWords({ peers }: NetMesh, sessions: readonly string[]): Promise<LastWords[]> {
  let words: LastWords[] = []
  const isCalm = async () => {
    words = await Promise.all([...peers.values()].map((peer) => lastWords(peer, sessions)))
    return words.every(({ members }) => members.every(({ status }) => status === 'alive'))
  }
  await waitFor(isCalm, { timeoutMs: CALM_MS, what: 'peers that see each other alive' }).catch(() => {})
  return words
}

async function lastWords(peer: PeerProcess, sessions: readonly string[]): Promise<LastWords> {
  const { client } = peer
  const answers: RecordedAnswer[] = []
  for (const session of sessions) {
    const path = `/v1/sessions/${encodeURIComponent(session)}`
    const answer = await client.get<SessionView>(path).then(
      (view) => ({ view, error: '' }),
      (error: unknown) => ({ view: undefined, error: errorCode(error) }),
    )
    answers.push({ session, ...answer })
  }
  const [members, shards, contentHash] = await Promise.all([
    client.get<Member[]>('/v1/members'),
    client.get<ShardStatus[]>('/v1/replication/shards'),
    client.get<Hash>('/v1/sessions-hash'),
  ])
  return { name: peer.name, peerId: peer.peer, members, shards, contentHash, answers }
}

async function readStore(directory: string): Promise<Map<string, StoredSession>> {
  const store = createLevelStore({ directory })
  const report = await store.open()
  if (report.damage.length > 0) throw new Error(`${directory} is damaged: ${report.damage.join('; ')}`)
  const found = new Map<string, StoredSession>()
  for await (const { session, stored } of store.sessions()) found.set(session, stored)
  await store.close()
  return found
}
