// Peers behind slow links: two zones of two peers, the ways between them slow and narrow. What goes over each link for an
// update, who acknowledges, what a read waits for, and what happens when more is written than the links can take.
import { afterEach, expect, test } from 'vitest'
import { initializeSession, createDocument, shardOf } from '../../crdt/index.ts'
import type { Member, Receipt, SessionView, ShardStatus } from '../../node/api.ts'
import { experiment } from '../../sim/scenarios/source.ts'
import { assertReplicasEqual } from '../support/net/equal.ts'
import { startNetMesh, type NetMesh } from '../support/net/mesh.ts'
import { after, waitFor } from '../support/wait.ts'

const LINK = { roundTripMs: 100, bytesPerSecond: 64 * 1024 }
const SESSIONS = Array.from({ length: 60 }, (_, n) => `s${n}`)
const IDLE_MS = 4_000
/** What a frame of one update has beside it: origin, signature, topic, the wrappings of streams and connections. */
const BESIDE_BYTES = 250

let mesh: NetMesh
afterEach(() => mesh.close())

interface Answer {
  readonly session: string
  readonly ms: number
  readonly receipt: Receipt
}

interface Load {
  readonly perSecond: number
  readonly valueBytes: number
  readonly seconds: number
}

test('over a slow link goes little more than what was written, near replicas acknowledge, and reads stay here', async () => {
  mesh = await startNetMesh(edgeOfTwoZones(), LINK)
  const { near, here, names } = await whoIsNear()
  const idle = await measured(() => after(IDLE_MS))

  const load = { perSecond: 40, valueBytes: 200, seconds: 8 }
  let answers: Answer[] = []
  const busy = await measured(async () => {
    answers = await write(load)
    await waitFor(areEqual, { timeoutMs: 10_000, what: 'equal replicas' })
  })

  const updates = load.perSecond * load.seconds
  const plain = bytesOfUpdate(load.valueBytes)
  for (const [link, bytes] of busy.bytes) {
    const perUpdate = (bytes - ((idle.bytes.get(link) ?? 0) / idle.ms) * busy.ms) / updates
    const ratio = (perUpdate / plain).toFixed(2)
    print(`${link}: ${perUpdate.toFixed(0)} bytes per update of ${plain} (${ratio}), ${rate(idle, link)} bytes/s idle`)
    // It may come twice.
    expect(perUpdate).toBeLessThan(2 * (plain + BESIDE_BYTES))
    expect(rate(idle, link)).toBeLessThan(LINK.bytesPerSecond / 2)
  }

  const nearby = answers.filter(({ session }) => near.has(session))
  expect(nearby.length).toBeGreaterThan(updates / 3)
  const first = nearby.map(({ receipt }) => receipt.peers.map((peer) => names.get(peer)).toSorted())
  // The far ones can't have been first: their way alone is longer.
  expect(first.filter((peers) => !peers.includes('c'))).toEqual([])
  const [half, far] = [nearby, answers.filter(({ session }) => !near.has(session))].map(medianMs)
  print(
    `acknowledged by the near replica in ${half} ms, by a far one, where there is none near, in ${far} ms (medians)`,
  )
  expect(half).toBeLessThan(LINK.roundTripMs)
  expect(far).toBeGreaterThanOrEqual(LINK.roundTripMs)

  const { client } = mesh.peer('a')
  const reads: number[] = []
  for (const session of here) {
    const at = performance.now()
    await client.get<SessionView>(`/v1/sessions/${session}`)
    reads.push(performance.now() - at)
  }
  expect(Math.max(...reads)).toBeLessThan(LINK.roundTripMs)
})

test('links that are given more than they can take slow writers down; nobody is taken for dead, and all become equal', async () => {
  mesh = await startNetMesh(edgeOfTwoZones(), LINK)
  const load = { perSecond: 300, valueBytes: 600, seconds: 8 }
  const statuses = new Set<string>()
  let isOver = false
  const watching = (async () => {
    while (!isOver) {
      for (const { client } of mesh.peers.values()) {
        for (const { name, status } of await client.get<Member[]>('/v1/members')) {
          if (status !== 'alive' && status !== 'suspect') statuses.add(`${name} ${status}`)
        }
      }
      await after(100)
    }
  })()
  const started = performance.now()
  const answers = await write(load)
  const answeredMs = performance.now() - started
  await waitFor(areEqual, { timeoutMs: 60_000, what: 'equal replicas' })
  const equalMs = performance.now() - started
  isOver = true
  await watching

  const offered = (load.perSecond * bytesOfUpdate(load.valueBytes)) / LINK.bytesPerSecond
  const degraded = answers.filter(({ receipt }) => receipt.degraded).length
  print(
    `${offered.toFixed(1)} times what a link can take, for ${load.seconds} s: all ${answers.length} writes answered after ` +
      `${(answeredMs / 1_000).toFixed(1)} s, ${degraded} of them with one copy so far; equal after ${(equalMs / 1_000).toFixed(1)} s`,
  )
  expect([...statuses]).toEqual([])
  expect(answers.length).toBe(load.perSecond * load.seconds)
})

/** Peers a and c in the one, b and d in the other. */
function edgeOfTwoZones() {
  const scenario = {
    name: 'edge',
    peers: 4,
    zones: ['north', 'south'],
    sessions: 1,
    peer: { replicationFactor: 3, shardCount: 64 },
  }
  const { plan } = experiment({ ...scenario, duration: 1_000, settle: 1_000 }, '1')
  expect(plan.machines.map(({ name, zone }) => `${name} ${zone}`)).toEqual(['a north', 'b south', 'c north', 'd south'])
  return plan
}

/** The sessions that the other peer of the writer's zone keeps, those that the writer itself does, and what peers are called. */
async function whoIsNear() {
  const names = new Map([...mesh.peers.values()].map(({ peer, name }) => [peer, name]))
  const shards = await mesh.peer('a').client.get<ShardStatus[]>('/v1/replication/shards')
  const keptBy = (name: string) => (session: string) =>
    shards[shardOf(session, shards.length)]?.replicas.some(({ peer }) => names.get(peer) === name) === true
  return { near: new Set(SESSIONS.filter(keptBy('c'))), here: SESSIONS.filter(keptBy('a')), names }
}

/** At peer a, at a pace that no answer changes. */
async function write({ perSecond, valueBytes, seconds }: Load): Promise<Answer[]> {
  const { client } = mesh.peer('a')
  const one = async (n: number): Promise<Answer> => {
    const at = performance.now()
    const session = SESSIONS[n % SESSIONS.length] ?? ''
    const body = { writes: [{ session, create: true, set: { value: valueOf(n, valueBytes) } }] }
    const { results } = await client.post<{ results: readonly { receipt: Receipt }[] }>('/v1/batch', body)
    const receipt = results[0]?.receipt
    if (receipt === undefined) throw new Error(`write ${n} was refused: ${JSON.stringify(results)}`)
    return { session, ms: performance.now() - at, receipt }
  }
  const start = performance.now()
  const answers: Promise<Answer>[] = []
  for (let n = 0; n < perSecond * seconds; n++) {
    await after(Math.max(0, start + (1_000 * n) / perSecond - performance.now()))
    answers.push(one(n))
  }
  return Promise.all(answers)
}

function valueOf(n: number, bytes: number): string {
  return String(n).padEnd(bytes, 'x')
}

/** Of an update as it is written here, a field set again. */
function bytesOfUpdate(valueBytes: number): number {
  const doc = createDocument('s0')
  initializeSession(doc, { createdAt: Date.now(), priority: 'normal' })
  const sizes: number[] = []
  doc.on('update', (update: Uint8Array) => sizes.push(update.length))
  for (let n = 0; n < 2; n++) doc.getMap('data').set('value', valueOf(n, valueBytes))
  return sizes.at(-1) ?? 0
}

interface Measured {
  readonly ms: number
  readonly bytes: ReadonlyMap<string, number>
}

async function measured(task: () => Promise<unknown>): Promise<Measured> {
  const links = () => mesh.betweenZones?.bytes() ?? new Map<string, number>()
  const [before, at] = [links(), performance.now()]
  await task()
  const ms = performance.now() - at
  return { ms, bytes: new Map([...links()].map(([link, bytes]) => [link, bytes - (before.get(link) ?? 0)])) }
}

function rate({ ms, bytes }: Measured, link: string): number {
  return Math.round((1_000 * (bytes.get(link) ?? 0)) / ms)
}

async function areEqual(): Promise<boolean> {
  await assertReplicasEqual([...mesh.peers.values()])
  return true
}

function medianMs(answers: readonly Answer[]): number {
  const sorted = answers.map(({ ms }) => ms).toSorted((one, other) => one - other)
  return Math.round(sorted[sorted.length >> 1] ?? 0)
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}
