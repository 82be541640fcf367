// Who ends a session whose time is over, and when: its home, late rather than early, and only if nobody objects.
import { beforeEach, expect, test } from 'vitest'
import * as Y from 'yjs'
import { describeSession, initializeSession, setExpiry, touchSession, type Priority } from '../../../crdt/index.ts'
import { Agreement } from '../../../node/life/agreement.ts'
import { Expiry } from '../../../node/life/expiry.ts'
import type { MemberRecord } from '../../../node/membership/view.ts'
import type { MemberStatus } from '../../../node/api.ts'
import { Catalog } from '../../../node/sessions/catalog.ts'
import { createMemoryStore } from '../../../node/store/memory.ts'
import { createMemoryNetwork, type MemoryNetwork } from '../../../transport/memory/index.ts'
import type { Transport } from '../../../transport/port.ts'
import { ManualClock } from '../../support/manual-clock.ts'

const SKEW_MS = 1_000
const PATIENCE_MS = 20_000
const TTL_MS = 10_000
/** When a session of that ttl, created at 0, may be ended. */
const DUE = 1.1 * TTL_MS + SKEW_MS

interface Node {
  readonly clock: ManualClock
  readonly catalog: Catalog
  readonly agreement: Agreement
  readonly expiry: Expiry
  readonly expired: string[]
  readonly members: { status: MemberStatus; lastHeard: number; info: { peer: string } }[]
  isHome: boolean
}

let network: MemoryNetwork
let nodes: Node[]
/** Client ids drawn so far. */
let drawn = 0

async function startNode(name: string, clock = new ManualClock(), patienceMs = 0): Promise<Node> {
  const store = createMemoryStore()
  await store.open()
  const transport: Transport = network.transport(name)
  await transport.start()
  const late: { catalog?: Catalog } = {}
  const catalog = () => late.catalog as Catalog
  const onError = (error: unknown) => {
    throw error
  }
  const shared = { transport, clock, catalog, clockSkewMaxMs: SKEW_MS, onError }
  const agreement = new Agreement({ ...shared, allowed: () => true, refuse: () => {} })
  const node = { clock, agreement, expired: [] as string[], members: [] as Node['members'], isHome: true }
  const expiry = new Expiry({
    ...shared,
    agreement,
    members: () => node.members as unknown as MemberRecord[],
    isHome: () => node.isHome,
    room: () => undefined,
    expiryPatienceMs: patienceMs,
    purgeAt: (now) => now + 1,
    onExpired: (session) => node.expired.push(session),
  })
  late.catalog = new Catalog({
    store,
    clock,
    shardCount: 1,
    hydratedSessionsMax: 10,
    updateBytesMax: 1 << 20,
    sessionBytesMax: 1 << 20,
    historyRecordsMax: 100,
    historyBytesMax: 1 << 20,
    newClientId: () => ++drawn,
    self: { origin: name, boot: '01', frameSequence: 0 },
    onLocalUpdate: () => {},
    onChanged: () => {},
    onSucceeded: () => {},
    onDescribed: (entry) => expiry.note(entry),
    onError,
  })
  agreement.serve()
  expiry.start()
  const whole = Object.assign(node, { catalog: late.catalog, expiry })
  nodes.push(whole)
  return whole
}

function meet(node: Node, peer: string, status: MemberStatus = 'alive', lastHeard = 0): void {
  node.members.push({ status, lastHeard, info: { peer } })
}

/** A session on these nodes, created at time 0. */
async function hold(id: string, expiry: { ttlMs?: number; expiresAt?: number }, on: readonly Node[]): Promise<void> {
  const doc = new Y.Doc()
  initializeSession(doc, { createdAt: 0, priority: 'normal' as Priority, ...expiry })
  const source = { origin: 'writer', boot: '01', frameSequence: 1 }
  for (const { catalog } of on) catalog.receive(id, Y.encodeStateAsUpdate(doc), source)
  await settle()
}

/** Digests of what came are computed, which is when a peer looks at it. */
async function settle(): Promise<void> {
  for (const { catalog } of nodes) await catalog.settle()
}

/** Time goes on everywhere, and what follows from it is done. */
async function pass(ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 500) {
    for (const { clock } of nodes) clock.advance(Math.min(500, left))
    for (let turn = 0; turn < 60; turn++) await Promise.resolve()
  }
}

async function change(node: Node, id: string, work: (doc: Y.Doc, now: number) => void): Promise<void> {
  const entry = node.catalog.ensure(id)
  const doc = await node.catalog.acquire(entry)
  work(doc, node.clock.now())
  node.catalog.release(entry)
}

async function isOver(node: Node, id: string): Promise<boolean> {
  let endedBy: string | undefined
  await change(node, id, (doc) => (endedBy = describeSession(doc).endedBy))
  return endedBy === 'expiry'
}

beforeEach(() => {
  network = createMemoryNetwork()
  nodes = []
})

test.each([
  ['idle for its ttl', { ttlMs: TTL_MS }, DUE],
  ['at its time, though it has a longer ttl', { ttlMs: TTL_MS, expiresAt: 4_000 }, 4_000 + SKEW_MS],
])('a session ends %s, not before the margin has passed', async (_, expiry, due) => {
  const home = await startNode('a')
  await hold('s', expiry, [home])
  await pass(due - 500)
  expect(home.expired).toEqual([])
  await pass(1_000)
  expect(home.expired).toEqual(['s'])
  expect(await isOver(home, 's')).toBe(true)
  await pass(60_000)
  expect(home.expired).toEqual(['s'])
})

test('touches push it on, again and again, and a session without an end has none', async () => {
  const home = await startNode('a')
  await hold('s', { ttlMs: TTL_MS }, [home])
  await hold('lasting', {}, [home])
  for (let turn = 0; turn < 10; turn++) {
    await pass(6_000)
    await change(home, 's', touchSession)
  }
  expect(home.expired).toEqual([])
  await settle()
  await pass(DUE + 5_000)
  expect(home.expired).toEqual(['s'])
})

test('an end that is put forward counts at once', async () => {
  const home = await startNode('a')
  await hold('s', { ttlMs: 1_000_000 }, [home])
  await change(home, 's', (doc, now) => setExpiry(doc, { expiresAt: now + 2_000 }, now))
  await settle()
  await pass(4_000)
  expect(home.expired).toEqual(['s'])
})

test('only the home ends it; whoever becomes home goes on', async () => {
  const [one, other] = [await startNode('a'), await startNode('b')]
  other.isHome = false
  one.isHome = false
  await hold('s', { ttlMs: TTL_MS }, [one, other])
  await pass(DUE + 20_000)
  expect([...one.expired, ...other.expired]).toEqual([])
  other.isHome = true
  await pass(6_000)
  expect(other.expired).toEqual(['s'])
})

test('a home whose clock is ahead ends nothing that another peer does not hold for due', async () => {
  const ahead = new ManualClock()
  ahead.advance(86_400_000)
  const home = await startNode('a', ahead)
  const other = await startNode('b')
  meet(home, 'b')
  await hold('s', { ttlMs: TTL_MS }, [home, other])
  await pass(DUE - 1_000)
  expect(home.expired).toEqual([])
  await pass(7_000)
  expect(home.expired).toEqual(['s'])
})

test('a touch that has not reached the home yet is an objection, written down or not', async () => {
  const [home, other] = [await startNode('a'), await startNode('b')]
  meet(home, 'b')
  other.isHome = false
  await hold('s', { ttlMs: TTL_MS }, [home, other])
  await pass(TTL_MS)
  // Not even in the document: the peer remembers that somebody was there.
  other.agreement.active(other.catalog.ensure('s'))
  await pass(TTL_MS - 1_000)
  expect(home.expired).toEqual([])
  await change(other, 's', touchSession)
  await settle()
  await pass(DUE - 1_000)
  expect(home.expired).toEqual([])
  await pass(8_000)
  expect(home.expired).toEqual(['s'])
})

test('what a peer has not looked at yet may be a touch: it objects', async () => {
  const [home, other] = [await startNode('a'), await startNode('b')]
  meet(home, 'b')
  await hold('s', { ttlMs: TTL_MS }, [home, other])
  const doc = new Y.Doc()
  doc.getMap('data').set('k', 1)
  other.catalog.receive('s', Y.encodeStateAsUpdate(doc), { origin: 'writer', boot: '01', frameSequence: 2 })
  await pass(DUE + 10_000)
  expect(home.expired).toEqual([])
  await settle()
  await pass(6_000)
  expect(home.expired).toEqual(['s'])
})

test('a peer that does not answer, is suspected or died lately holds everything up', async () => {
  const home = await startNode('a', new ManualClock(), PATIENCE_MS)
  await hold('s', { ttlMs: TTL_MS }, [home])
  await pass(PATIENCE_MS - 1_000)
  expect(home.expired).toEqual([]) // somebody may not have been heard of yet
  meet(home, 'gone', 'alive')
  await pass(10_000)
  expect(home.expired).toEqual([])
  home.members.length = 0
  meet(home, 'gone', 'suspect', home.clock.monotonic())
  await pass(10_000)
  expect(home.expired).toEqual([])
  home.members.length = 0
  meet(home, 'gone', 'dead', home.clock.monotonic())
  await pass(PATIENCE_MS - 1_000)
  expect(home.expired).toEqual([])
  await pass(8_000)
  expect(home.expired).toEqual(['s'])
})

test('who has agreed lets nobody use the session, until it has ended or the question is taken back', async () => {
  const [home, agreeing, objecting] = [await startNode('a'), await startNode('b'), await startNode('c')]
  for (const peer of ['b', 'c']) meet(home, peer)
  agreeing.isHome = objecting.isHome = false
  await hold('s', { ttlMs: TTL_MS }, nodes)
  const word = (node: Node) => node.agreement.isGivenUp(node.catalog.ensure('s'))
  await pass(TTL_MS)
  objecting.agreement.active(objecting.catalog.ensure('s'))
  const heard: boolean[] = []
  network.drop((parcel) => {
    if (parcel.kind === 'response' && parcel.from === 'c') heard.push(word(agreeing))
    return false
  })
  await pass(3_000)
  expect(heard).toContain(true)
  expect(nodes.map(word)).toEqual([false, false, false])
  expect(home.expired).toEqual([])
})

test('a peer that has left in order is not waited for', async () => {
  const home = await startNode('a')
  await hold('s', { ttlMs: TTL_MS }, [home])
  meet(home, 'gone', 'left', 10)
  await pass(DUE + 1_000)
  expect(home.expired).toEqual(['s'])
})
