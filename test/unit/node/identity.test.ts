// Who a peer is, over restarts.
import { expect, test } from 'vitest'
import { identitySeed, nextBootId } from '../../../node/identity.ts'
import { systemClock } from '../../../node/ports/clock.ts'
import { systemRandom } from '../../../node/ports/random.ts'
import { createMemoryStore } from '../../../node/store/memory.ts'

test('boot ids grow with every start, also when the wall clock was put back meanwhile', async () => {
  const store = createMemoryStore()
  await store.open()
  const at = (now: number) => ({ ...systemClock, now: () => now })
  const boots: string[] = []
  for (const now of [1_000_000, 1_000_000, 400_000, 400_001, 2_000_000]) {
    boots.push(await nextBootId(store, at(now), systemRandom))
  }
  expect(boots).toEqual(boots.toSorted())
  expect(new Set(boots).size).toBe(boots.length)
})

test('the key is drawn once and kept', async () => {
  const store = createMemoryStore()
  await store.open()
  expect(await identitySeed(store, systemRandom)).toEqual(await identitySeed(store, systemRandom))
})
