// Gossip of the libp2p transport over real loopback sockets: several hops, large frames, many peers.
import { describe, expect, it, vi } from 'vitest'
import type { PeerId } from '../../transport/port.ts'
import { bareAddress, bytes, gossipReaches, startProxy, started, untilConnected, waiting } from '../support/libp2p.ts'

describe('gossip over libp2p', () => {
  it('passes a middle peer and keeps its origin', async () => {
    const middle = await started()
    const left = await started({ bootstrap: middle.addresses(), listen: [] })
    const right = await started({ bootstrap: middle.addresses(), listen: [] })
    await untilConnected(left, middle)
    await untilConnected(right, middle)
    middle.subscribe('news', () => 'accept')
    const heard = new Set<PeerId>()
    right.subscribe('news', ({ from }) => {
      heard.add(from)
      return 'accept'
    })
    left.subscribe('news', () => 'accept')
    await vi.waitFor(async () => {
      if (heard.size === 0) await left.publish('news', bytes('hello'))
      expect([...heard]).toEqual([left.self])
    }, waiting)
    expect(left.peers()).toEqual([middle.self])
  })

  it('does not pass on what a middle peer rejects, and goes on hearing its sender', async () => {
    const middle = await started()
    const left = await started({ bootstrap: middle.addresses(), listen: [] })
    const right = await started({ bootstrap: middle.addresses(), listen: [] })
    let rejected = 0
    middle.subscribe('news', ({ bytes: payload }) => {
      if (payload[0] !== 0) return 'accept'
      rejected += 1
      return 'reject'
    })
    const heard: (number | undefined)[] = []
    right.subscribe('news', ({ bytes: payload }) => {
      heard.push(payload[0])
      return 'accept'
    })
    left.subscribe('news', () => 'accept')
    await vi.waitFor(async () => {
      await left.publish('news', new Uint8Array([0]))
      expect(rejected).toBeGreaterThan(100)
    }, waiting)
    await vi.waitFor(async () => {
      await left.publish('news', new Uint8Array([1]))
      expect(heard).toContain(1)
    }, waiting)
    expect(heard).not.toContain(0)
    expect(middle.peers()).toContain(left.self)
  })

  it('brings a flood of large frames to slow readers whole', { timeout: 60_000 }, async () => {
    const [a, b, c] = [await started(), await started(), await started()]
    b.learn(a.self, a.addresses())
    c.learn(a.self, a.addresses())
    await untilConnected(a, b)
    await untilConnected(a, c)
    const heard = new Map([b, c].map((reader) => [reader, new Set<number | undefined>()]))
    for (const [reader, frames] of heard) {
      reader.subscribe('frames', ({ bytes: payload }) => {
        frames.add(payload[0])
        return 'accept'
      })
    }
    await vi.waitFor(async () => expect(await a.publish('frames', new Uint8Array([255]))).toBe(2), waiting)
    const down = vi.fn()
    a.on('peer:down', down)
    const count = 150
    await Promise.all(Array.from({ length: count }, (_, index) => a.publish('frames', largeFrame(index))))
    await vi.waitFor(() => expect([...heard.values()].map((frames) => frames.size)).toEqual([count + 1, count + 1]), {
      timeout: 30_000,
      interval: 50,
    })
    expect(down).not.toHaveBeenCalled()
  })

  it('spares a neighbour that has it already the second copy of a large frame', { timeout: 60_000 }, async () => {
    const [a, b, c] = [await started(), await started(), await started()]
    const between = await startProxy(bareAddress(b))
    b.learn(a.self, a.addresses())
    c.learn(a.self, a.addresses())
    c.learn(b.self, [`${between.address}/p2p/${b.self}`])
    await untilConnected(a, b)
    await untilConnected(a, c)
    await untilConnected(b, c)
    const heard = [b, c].map((reader) => {
      const frames = new Set<number | undefined>()
      reader.subscribe('frames', ({ bytes: payload }) => {
        frames.add(payload[0])
        return 'accept'
      })
      return frames
    })
    await gossipReaches(b, c)
    await gossipReaches(c, b)
    await vi.waitFor(async () => expect(await a.publish('frames', new Uint8Array([255]))).toBe(2), waiting)
    const before = between.bytes()
    const count = 40
    for (let index = 0; index < count; index++) {
      await a.publish('frames', new Uint8Array(16 * 1024).fill(index))
      await vi.waitFor(() => expect(heard.every((frames) => frames.has(index))).toBe(true), waiting)
    }
    // Each sent it to the other before: twice all of it.
    expect(between.bytes() - before).toBeLessThan(0.5 * count * 16 * 1024)
  })

  it('joins twelve peers on one host into a full mesh through one of them', { timeout: 60_000 }, async () => {
    const first = await started()
    const rest = await Promise.all(Array.from({ length: 11 }, () => started({ bootstrap: [bareAddress(first)] })))
    const all = [first, ...rest]
    for (const a of all) for (const b of all) a.learn(b.self, b.addresses())
    await vi.waitFor(() => {
      for (const each of all) expect(each.peers().length).toBe(11)
    }, waiting)
    let heard = 0
    for (const each of all) {
      each.subscribe('news', () => {
        heard += 1
        return 'accept'
      })
    }
    await vi.waitFor(async () => expect(await first.publish('news', bytes('all?'))).toBe(11), waiting)
    await vi.waitFor(() => expect(heard).toBeGreaterThanOrEqual(11), waiting)
  })
})

function largeFrame(index: number): Uint8Array {
  return new Uint8Array(256 * 1024).fill(index)
}
