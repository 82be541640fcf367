// What a peer is told that comes back after a long time: what is known here, and every tombstone of it, also one that has
// just come.
import { expect, test } from 'vitest'
import * as Y from 'yjs'
import { createDocument, initializeSession, isTerminated, terminateSession } from '../../../crdt/index.ts'
import { KNOWN, questions, serveKnown } from '../../../node/life/known.ts'
import { createMemoryNetwork } from '../../../transport/memory/index.ts'
import { KnownRequest, KnownResponse } from '../../../transport/wire/messages.js'
import { holder } from './catalogs.ts'

const SOURCE = { origin: 'writer', boot: '01', frameSequence: 1 }

function updateOf(id: string, work: (doc: Y.Doc) => void = () => {}): Uint8Array {
  const doc = createDocument(id)
  initializeSession(doc, { createdAt: 1, priority: 'normal' })
  work(doc)
  return Y.encodeStateAsUpdate(doc)
}

/** A peer with a catalog that is asked, and how to ask it. */
async function setUp() {
  const { clock, catalog } = await holder({ hydratedSessionsMax: 0 })
  const network = createMemoryNetwork()
  const [asked, asking] = [network.transport('asked'), network.transport('asking')]
  await asked.start()
  await asking.start()
  serveKnown({
    transport: asked,
    clock,
    catalog: () => catalog,
    startedFrom: () => 7,
    joinedAt: () => undefined,
    members: () => [],
    allowed: () => true,
    refuse: () => {},
  })
  const ask = async (question: KnownRequest) =>
    KnownResponse.decode(await asking.request(asked.self, KNOWN, KnownRequest.encode(question)))
  return { catalog, ask }
}

test('known are the living and the dead, not those of which only waiting updates are here', async () => {
  const { catalog, ask } = await setUp()
  catalog.receive('living', updateOf('living'), SOURCE)
  await catalog.settle()
  catalog.receive(
    'dead',
    updateOf('dead', (doc) => terminateSession(doc, 5)),
    SOURCE,
  )
  const late = createDocument('waiting')
  late.getMap('data').set('a', 1)
  const before = Y.encodeStateVector(late)
  late.getMap('data').set('a', 2)
  catalog.receive('waiting', Y.encodeStateAsUpdate(late, before), SOURCE)
  const sessions = ['never', 'living', 'waiting', 'dead']
  const answer = await ask({ sessions, stateVectors: [] })
  expect(answer).toMatchObject({ startedFrom: 7, joinedMs: 0, returning: true, known: [1, 3] })
  expect(answer.ended.map(({ session }) => session)).toEqual(['dead'])
  const doc = new Y.Doc()
  for (const { update } of answer.ended) Y.applyUpdate(doc, update)
  expect(isTerminated(doc)).toBe(true)
})

test('a session of the same id that has nothing in common with what is asked about is another', async () => {
  const { catalog, ask } = await setUp()
  const own = updateOf('own')
  const sessions = ['own', 'again', 'ended']
  catalog.receive('own', own, SOURCE)
  catalog.receive('again', updateOf('again'), SOURCE)
  catalog.receive(
    'ended',
    updateOf('ended', (doc) => terminateSession(doc, 5)),
    SOURCE,
  )
  const updates = [own, updateOf('again'), updateOf('ended')]
  const stateVectors = updates.map((update) => Y.encodeStateVectorFromUpdate(update))
  expect(await ask({ sessions, stateVectors })).toMatchObject({ known: [0], ended: [] })
})

test('very many sessions are asked about piece by piece', async () => {
  const { catalog } = await setUp()
  const sessions = Array.from({ length: 2_500 }, (_, index) => `s${index}`)
  catalog.receive('s2', updateOf('s2'), SOURCE)
  const asked = [...questions(catalog, sessions)]
  expect(asked.flatMap((question) => question.sessions)).toEqual(sessions)
  expect(asked.map(({ stateVectors }) => stateVectors.length)).toEqual([1_024, 1_024, 452])
  expect(asked[0]?.stateVectors[2]?.length).toBeGreaterThan(1)
})
