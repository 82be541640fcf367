// What a peer is told that comes back after a long time: what is known here, and every tombstone of it, also one that has
// just come.
import { expect, test } from 'vitest'
import * as Y from 'yjs'
import { createDocument, initializeSession, isTerminated, terminateSession } from '../../../crdt/index.ts'
import { KNOWN, serveKnown } from '../../../node/life/known.ts'
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

test('known are the living and the dead, not those of which only waiting updates are here', async () => {
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
  const answer = KnownResponse.decode(await asking.request(asked.self, KNOWN, KnownRequest.encode({ sessions })))
  expect(answer).toMatchObject({ startedFrom: 7, joinedMs: 0, returning: true, known: [1, 3] })
  expect(answer.ended.map(({ session }) => session)).toEqual(['dead'])
  const doc = new Y.Doc()
  for (const { update } of answer.ended) Y.applyUpdate(doc, update)
  expect(isTerminated(doc)).toBe(true)
})
