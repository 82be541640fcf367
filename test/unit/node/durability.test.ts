// When a write resolves, and with what receipt: each copy, each deadline, each refusal.
import { expect, test } from 'vitest'
import { hasCode } from '../../../crdt/errors.ts'
import { AckLedger } from '../../../node/replication/acked.ts'
import {
  DurabilityWaiters,
  resolveWriteOptions,
  type Copies,
  type Write,
} from '../../../node/replication/durability.ts'
import type { PeerId } from '../../../transport/port.ts'
import { ManualClock } from '../../support/manual-clock.ts'

const [b, c] = ['b' as PeerId, 'c' as PeerId]
const DEFAULTS = { durability: 2, writeTimeoutMs: 5_000 }

/** A peer `a` whose shards are kept by `b` and `c` too; `disk` ends its journal's batch. */
function setUp() {
  const clock = new ManualClock()
  const ledger = new AckLedger(() => 0)
  const others = [b, c]
  for (let shard = 0; shard < 2; shard++) ledger.setReplicas(shard, others)
  const waiters = new DurabilityWaiters({ ledger, clock, self: () => 'a', replicasOf: () => ({ self: true, others }) })
  const acknowledge = (peer: PeerId, shard: number, sequence: number) => {
    ledger.acknowledge(peer, shard, sequence)
    waiters.acknowledged(shard, sequence)
  }
  return { clock, ledger, others, waiters, acknowledge }
}

function batch() {
  const { promise: onDisk, resolve, reject } = Promise.withResolvers<void>()
  const write = (sequence?: number, shard = 0): Write => {
    return { session: 's', shard, onDisk, sequence, onOwnDisk: false }
  }
  const onOwnDisk = async () => {
    resolve()
    await onDisk
  }
  return { write, onOwnDisk, reject }
}

const options = (given: Parameters<typeof resolveWriteOptions>[0] = {}) => resolveWriteOptions(given, DEFAULTS)

/** What has come of it so far. */
async function soFar(receipt: Promise<Copies> | undefined): Promise<unknown> {
  let state: unknown = 'waiting'
  const seen = (outcome: unknown) => {
    state = outcome
  }
  receipt?.then(seen, seen)
  for (let turn = 0; turn < 10; turn++) await Promise.resolve()
  return state
}

test('a write needs its own disk and another, in either order', async () => {
  for (const first of ['own', 'other']) {
    const { ledger, waiters, acknowledge } = setUp()
    const { write, onOwnDisk } = batch()
    const receipt = waiters.wait(write(ledger.next(0, 0, 1)), options())
    const steps = [onOwnDisk, async () => acknowledge(b, 0, 1)]
    if (first === 'other') steps.reverse()
    for (const step of steps) {
      expect(await soFar(receipt)).toBe('waiting')
      await step()
    }
    expect(await receipt).toEqual({ session: 's', copies: 2, degraded: false, peers: ['a', 'b'] })
    expect(waiters.size).toBe(0)
  }
})

test('an acknowledgement resolves what it is about and nothing else', async () => {
  const { ledger, waiters, acknowledge } = setUp()
  const { write, onOwnDisk } = batch()
  const sent = [1, 2, 3].map(() => waiters.wait(write(ledger.next(0, 0, 1)), options()))
  const otherShard = waiters.wait(write(ledger.next(1, 0, 1), 1), options())
  const unsent = waiters.wait(write(), options())
  await onOwnDisk()
  acknowledge(b, 0, 2)
  const states = await Promise.all([...sent, otherShard, unsent].map(soFar))
  expect(states.map((state) => state === 'waiting')).toEqual([false, false, true, true, true])
  expect(waiters.size).toBe(3)
})

test('writes of one batch resolve by it alone, though others wait between them', async () => {
  const { ledger, waiters } = setUp()
  const [one, other] = [batch(), batch()]
  const local = options({ durability: 'local' })
  const receipts = [one, other, one].map(({ write }) => waiters.wait(write(ledger.next(0, 0, 1)), local))
  await one.onOwnDisk()
  const states = await Promise.all(receipts.map(soFar))
  expect(states.map((state) => state === 'waiting')).toEqual([false, true, false])
})

test('a disk that refuses a batch rejects its writes and no others', async () => {
  const { ledger, waiters } = setUp()
  const [bad, good] = [batch(), batch()]
  const [failed, fine] = [bad, good].map(({ write }) => waiters.wait(write(ledger.next(0, 0, 1)), options()))
  bad.reject(new Error('refused'))
  await expect(failed).rejects.toThrow('refused')
  expect(await soFar(fine)).toBe('waiting')
})

test('each write gives up at its own time, and says what it has', async () => {
  const { clock, ledger, waiters, acknowledge } = setUp()
  const { write, onOwnDisk } = batch()
  const make = (given: Parameters<typeof options>[0]) => waiters.wait(write(ledger.next(0, 0, 1)), options(given))
  const [late, soon, strict] = [
    make({}),
    make({ timeoutMs: 100 }),
    make({ timeoutMs: 200, strict: true, durability: 3 }),
  ]
  strict.catch(() => {})
  await onOwnDisk()
  clock.advance(99)
  expect(await soFar(soon)).toBe('waiting')
  clock.advance(1)
  expect(await soon).toMatchObject({ copies: 1, degraded: true, peers: ['a'] })
  acknowledge(b, 0, 3)
  expect(await late).toMatchObject({ copies: 2, degraded: false })
  clock.advance(100)
  const error = await strict.catch((cause: unknown) => cause)
  expect(hasCode(error, 'REPLICATION_TIMEOUT') && error.message).toContain('2 of 3 copies')
})

test('many writes share a timer, and none is left when all are done', async () => {
  const { clock, ledger, waiters } = setUp()
  const { write, onOwnDisk } = batch()
  const receipts = Array.from({ length: 100 }, () => {
    clock.advance(1)
    return waiters.wait(write(ledger.next(0, 0, 1)), options({ durability: 'local' }))
  })
  expect(clock.timersSet).toBe(1)
  await onOwnDisk()
  await Promise.all(receipts)
  expect(clock.pending).toBe(0)
})

test('when replicas die a write waits for those that are left', async () => {
  const { ledger, others, waiters } = setUp()
  const { write, onOwnDisk } = batch()
  const receipt = waiters.wait(write(ledger.next(0, 0, 1)), options({ durability: 3 }))
  await onOwnDisk()
  others.length = 0
  ledger.setReplicas(0, others)
  waiters.recheck()
  expect(await receipt).toMatchObject({ copies: 1, degraded: true })
})
