// What keeps gossip flowing: the watch over gossip streams, and backpressure for slow neighbours.

import type { Connection, Libp2p } from '@libp2p/interface'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Backlog, type Backlogged } from '../../../transport/libp2p/backlog.ts'
import {
  GOSSIP_BACKLOG_HIGH,
  GOSSIP_LOST_MS,
  GOSSIP_NEVER_MS,
  GOSSIP_STALL_MS,
} from '../../../transport/libp2p/limits.ts'
import { GossipWatch } from '../../../transport/libp2p/watch.ts'

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

function fakeConnection(peer: string) {
  const both = [
    { direction: 'inbound', status: 'open', protocol: '/meshsub/1.2.0' },
    { direction: 'outbound', status: 'open', protocol: '/meshsub/1.2.0' },
  ]
  return { remotePeer: peer, status: 'open', streams: [] as typeof both, both, abort: vi.fn() }
}

function watch(...connections: ReturnType<typeof fakeConnection>[]): GossipWatch {
  const node = { getConnections: () => connections as unknown as Connection[] } as Pick<Libp2p, 'getConnections'>
  const watching = new GossipWatch(node, () => {})
  watching.start()
  return watching
}

describe('gossip watch', () => {
  it('leaves a neighbour alone whose streams are open', () => {
    const neighbour = fakeConnection('a')
    neighbour.streams = neighbour.both
    watch(neighbour)
    vi.advanceTimersByTime(10 * GOSSIP_NEVER_MS)
    expect(neighbour.abort).not.toHaveBeenCalled()
  })

  it('reconnects one that lost a stream soon, one that never had any later', () => {
    const lost = fakeConnection('lost')
    const never = fakeConnection('never')
    lost.streams = lost.both
    watch(lost, never)
    vi.advanceTimersByTime(1_000)
    lost.streams = lost.both.slice(1)
    vi.advanceTimersByTime(GOSSIP_LOST_MS)
    expect(lost.abort).toHaveBeenCalled()
    expect(never.abort).not.toHaveBeenCalled()
    vi.advanceTimersByTime(GOSSIP_NEVER_MS)
    expect(never.abort).toHaveBeenCalled()
  })

  it('is content with streams that are spread over two connections, and looks no more after stop', () => {
    const first = fakeConnection('a')
    const second = fakeConnection('a')
    first.streams = first.both.slice(0, 1)
    second.streams = second.both.slice(1)
    const watching = watch(first, second)
    vi.advanceTimersByTime(2 * GOSSIP_NEVER_MS)
    expect(first.abort).not.toHaveBeenCalled()
    watching.stop()
    first.streams = []
    vi.advanceTimersByTime(2 * GOSSIP_NEVER_MS)
    expect(first.abort).not.toHaveBeenCalled()
  })
})

class FakeStream extends EventTarget {
  status = 'open'
  writeBufferLength = 0

  drainTo(length: number): void {
    this.writeBufferLength = length
    this.dispatchEvent(new Event('drain'))
  }
}

function backlogOf(...streams: FakeStream[]): Backlog {
  return new Backlog(() => streams as unknown as Backlogged[])
}

describe('gossip backlog', () => {
  const full = 3 * GOSSIP_BACKLOG_HIGH

  /** Runs a send that records its name. */
  function sender(backlog: Backlog) {
    const sent: string[] = []
    const send = (name: string) =>
      backlog.run(async () => {
        sent.push(name)
      })
    return { sent, send }
  }

  it('sends at once while everybody reads, and goes on after a send that fails', async () => {
    const stream = new FakeStream()
    stream.writeBufferLength = GOSSIP_BACKLOG_HIGH
    const backlog = backlogOf(stream)
    const failing = backlog.run(() => Promise.reject(new Error('planted')))
    await expect(failing).rejects.toThrow('planted')
    const { sent, send } = sender(backlog)
    await send('next')
    expect(sent).toEqual(['next'])
  })

  it('waits for a neighbour that reads slowly, and keeps the order of the calls', async () => {
    const stream = new FakeStream()
    const { sent, send } = sender(backlogOf(stream))
    stream.writeBufferLength = full
    const all = [send('first'), send('second')]
    await vi.advanceTimersByTimeAsync(GOSSIP_STALL_MS - 1)
    stream.drainTo(2 * GOSSIP_BACKLOG_HIGH)
    await vi.advanceTimersByTimeAsync(GOSSIP_STALL_MS - 1)
    expect(sent).toEqual([])
    stream.drainTo(0)
    await Promise.all(all)
    expect(sent).toEqual(['first', 'second'])
  })

  it('looks again before each send of several at once', async () => {
    const stream = new FakeStream()
    const backlog = backlogOf(stream)
    const sent: number[] = []
    for (let index = 0; index < 5; index += 1) {
      void backlog.run(async () => {
        sent.push(index)
        stream.writeBufferLength += GOSSIP_BACKLOG_HIGH
      })
    }
    await vi.advanceTimersByTimeAsync(1)
    expect(sent).toEqual([0, 1])
    stream.drainTo(0)
    await vi.advanceTimersByTimeAsync(1)
    expect(sent).toEqual([0, 1, 2, 3])
  })

  it('waits once for a neighbour that reads nothing, until it reads again', async () => {
    const stream = new FakeStream()
    const { sent, send } = sender(backlogOf(stream, new FakeStream()))
    stream.writeBufferLength = full
    const first = send('first')
    await vi.advanceTimersByTimeAsync(GOSSIP_STALL_MS)
    await first
    await send('second')
    stream.drainTo(2 * GOSSIP_BACKLOG_HIGH)
    const third = send('third')
    await vi.advanceTimersByTimeAsync(GOSSIP_STALL_MS - 1)
    expect(sent).toEqual(['first', 'second'])
    await vi.advanceTimersByTimeAsync(1)
    await third
  })
})
