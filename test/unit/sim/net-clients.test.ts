// The clients of real peers, asked over HTTP by nobody: what they make of a creation that is refused.
import { expect, test } from 'vitest'
import { experiment } from '../../../sim/scenarios/source.ts'
import { History } from '../../../sim/workload/history.ts'
import { Clients } from '../../support/net/clients.ts'
import type { NetMesh } from '../../support/net/mesh.ts'

const { plan } = experiment({ peers: 1, sessions: 1 }, '1')
const [create] = plan.operations.filter(({ kind }) => kind === 'create').map((one) => ({ ...one, at: 0 }))

/** A peer that says that the session is there already, and shows this as its creator. */
function taken(created: string): NetMesh {
  const refuse = () => Promise.reject(Object.assign(new Error('HTTP 409'), { code: 'SESSION_EXISTS' }))
  const client = { post: refuse, get: () => Promise.resolve({ data: { created } }) }
  return { peer: () => ({ client }), peers: new Map() } as unknown as NetMesh
}

test.each([
  ['whose answer was lost took effect, for all that is known', create?.tag ?? '', 'unknown', true],
  ['of what an editor has made meanwhile did nothing', 'somebody', 'refused', false],
])('a creation %s, and is no trouble', async (_what, created, outcome, isApplied) => {
  const history = new History()
  const operations = create === undefined ? [] : [create]
  const clients = new Clients({ plan: { ...plan, operations }, mesh: taken(created), history, now: () => 1 })
  await clients.run()
  expect(history.entries).toMatchObject([{ outcome, isApplied, error: 'SESSION_EXISTS' }])
  expect(clients.troubles).toEqual([])
})
