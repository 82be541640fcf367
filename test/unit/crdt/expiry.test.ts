// When a session ends by itself: concurrent touches merge to the latest, and nobody can touch it back.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import * as Y from 'yjs'
import {
  createDocument,
  deadlineOf,
  describeSession,
  initializeSession,
  sessionMapOf,
  setExpiry,
  terminateSession,
  touchSession,
} from '../../../crdt/index.ts'

const TTL_MS = 1_000

function session(initial: { ttlMs?: number; expiresAt?: number } = { ttlMs: TTL_MS }): Y.Doc {
  const doc = createDocument('s')
  initializeSession(doc, { createdAt: 0, priority: 'normal', ...initial })
  return doc
}

function copyOf(doc: Y.Doc): Y.Doc {
  const copy = createDocument('s')
  Y.applyUpdate(copy, Y.encodeStateAsUpdate(doc))
  return copy
}

const deadline = (doc: Y.Doc) => deadlineOf(describeSession(doc))

function updatesOf(doc: Y.Doc, work: () => void): number {
  let updates = 0
  const count = () => updates++
  doc.on('update', count)
  work()
  doc.off('update', count)
  return updates
}

test('whatever is touched where and merged when, the latest touch that was written down wins on all', () => {
  const step = fc.oneof(
    fc.record({ touch: fc.nat(2), at: fc.nat(50_000) }),
    fc.record({ from: fc.nat(2), to: fc.nat(2) }),
  )
  const property = fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
    const first = session()
    const writers = [first, copyOf(first), copyOf(first)]
    let latest = 0
    for (const next of steps) {
      const doc = writers['touch' in next ? next.touch : next.to]
      const from = 'touch' in next ? undefined : writers[next.from]
      if (doc === undefined) continue
      if ('touch' in next) {
        const before = describeSession(doc).touchedAt ?? 0
        touchSession(doc, next.at)
        if (next.at - before >= TTL_MS / 10) latest = Math.max(latest, next.at)
      } else if (from !== undefined) Y.applyUpdate(doc, Y.encodeStateAsUpdate(from))
    }
    for (const to of writers) for (const from of writers) Y.applyUpdate(to, Y.encodeStateAsUpdate(from))
    for (const doc of writers) {
      expect(describeSession(doc).touchedAt).toBe(latest)
      expect(deadline(doc)).toBe(latest + 1.1 * TTL_MS)
    }
  })
  fc.assert(property, { numRuns: 300 })
})

test('touches are written down at most ten times in a ttl, and the session lives a whole ttl after each all the same', () => {
  const doc = session()
  let last = 0
  const updates = updatesOf(doc, () => {
    for (let now = 0; now <= 10 * TTL_MS; now += 7) touchSession(doc, (last = now))
  })
  expect(updates).toBeLessThanOrEqual(100)
  expect(deadline(doc)).toBeGreaterThanOrEqual(last + TTL_MS)
})

test('a writer whose clock is behind does not take back what others have said', () => {
  const doc = session()
  touchSession(doc, 9_000)
  const behind = copyOf(doc)
  touchSession(behind, 3_000)
  setExpiry(behind, { ttlMs: TTL_MS }, 3_000)
  expect(deadline(behind)).toBe(9_000 + 1.1 * TTL_MS)
})

test('one touch is kept, however many have touched', () => {
  let doc = session()
  for (let now = 200; now < 4_000; now += 200) touchSession((doc = copyOf(doc)), now)
  expect([...sessionMapOf(doc).keys()].filter((key) => key.startsWith('touchedAt/'))).toHaveLength(1)
})

test('of the two ends the earlier counts; each can be changed, and taken away', () => {
  const doc = session({ ttlMs: TTL_MS, expiresAt: 700 })
  expect(deadline(doc)).toBe(700)
  setExpiry(doc, { expiresAt: null }, 0)
  expect(deadline(doc)).toBe(1.1 * TTL_MS)
  setExpiry(doc, { expiresAt: 90_000, ttlMs: 200 }, 5_000)
  expect(deadline(doc)).toBe(5_220)
  setExpiry(doc, { ttlMs: null }, 5_000)
  expect(deadline(doc)).toBe(90_000)
  setExpiry(doc, { expiresAt: null }, 5_000)
  expect(deadline(doc)).toBeUndefined()
})

test('a session without a ttl, or one that has ended, is not touched', () => {
  const lasting = session({ expiresAt: 5_000 })
  const over = session()
  terminateSession(over, 900, { endedBy: 'expiry' })
  for (const doc of [lasting, over]) expect(updatesOf(doc, () => touchSession(doc, 4_000))).toBe(0)
  expect(describeSession(over)).toMatchObject({ terminatedAt: 900, endedBy: 'expiry' })
})

test.each([{ ttlMs: 0 }, { ttlMs: -5 }, { ttlMs: Number.NaN }, { expiresAt: -1 }, { expiresAt: Infinity }])(
  '%j is refused, with nothing written',
  (change) => {
    const doc = session()
    const updates = updatesOf(doc, () => expect(() => setExpiry(doc, change, 0)).toThrow(/expected milliseconds/))
    expect(updates).toBe(0)
  },
)
