// Who is dialled when: the dialer under a fake clock, with a network that the test decides on.

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Dialer } from '../../../transport/libp2p/dialer.ts'
import { FRESH_DIALS_MAX, REDIAL_FIRST_MS, REDIAL_MAX_MS } from '../../../transport/libp2p/limits.ts'
import type { PeerId } from '../../../transport/port.ts'

// Real ids, because multiaddrs check them; SELF sorts before the others, so it does not yield to them.
const SELF = '12D3KooWCxnyz1JxC9y1RniRQVFe2cLaLHsYNc2SnXbM7yq5JBbJ' as PeerId
const PEER = '12D3KooWPjceQrSwdWXPyLLeABRXmuqt69Rg3sBYbU1Nft9HyQ6X' as PeerId
const ADDRESS = '/ip4/10.0.0.1/tcp/4001'

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

function setup(self = SELF) {
  const connected = new Set<PeerId>()
  const dials: string[][] = []
  const answers = new Map<string, PeerId>()
  const hangs = new Set<string>()
  const dialer = new Dialer({
    self,
    log: () => {},
    isConnected: (peer) => connected.has(peer),
    dial: async (addresses, signal) => {
      dials.push([...addresses])
      const [address] = addresses
      if (address !== undefined && hangs.has(address)) {
        return await new Promise((_resolve, reject) =>
          signal.addEventListener('abort', () => reject(new Error('abort'))),
        )
      }
      const peer = answers.get(address ?? '')
      if (peer === undefined) throw new Error('refused')
      connected.add(peer)
      dialer.up(peer)
      return peer
    },
  })
  const lose = (peer: PeerId) => {
    connected.delete(peer)
    dialer.down(peer)
  }
  return { dialer, connected, dials, answers, hangs, lose }
}

describe('dialer', () => {
  it('does nothing before start and nothing after stop', async () => {
    const { dialer, dials } = setup()
    dialer.learn(PEER, [ADDRESS])
    await vi.advanceTimersByTimeAsync(10_000)
    expect(dials).toEqual([])
    dialer.start()
    await vi.advanceTimersByTimeAsync(1)
    expect(dials).toEqual([[`${ADDRESS}/p2p/${PEER}`]])
    dialer.stop()
    await vi.advanceTimersByTimeAsync(10_000)
    expect(dials.length).toBe(1)
  })

  it('redials a lost peer soon, then less often, for ever', async () => {
    const { dialer, dials, answers, lose } = setup()
    const full = `${ADDRESS}/p2p/${PEER}`
    answers.set(full, PEER)
    dialer.learn(PEER, [ADDRESS])
    dialer.start()
    await vi.advanceTimersByTimeAsync(1)
    expect(dials.length).toBe(1)
    answers.clear()
    lose(PEER)
    await vi.advanceTimersByTimeAsync(REDIAL_FIRST_MS)
    expect(dials.length).toBe(2)
    await vi.advanceTimersByTimeAsync(3_600_000)
    const perHour = 3_600_000 / REDIAL_MAX_MS
    expect(dials.length).toBeGreaterThan(perHour - 1)
    expect(dials.length).toBeLessThan(perHour + 10)
    answers.set(full, PEER)
    await vi.advanceTimersByTimeAsync(REDIAL_MAX_MS)
    const count = dials.length
    await vi.advanceTimersByTimeAsync(60_000)
    expect(dials.length).toBe(count)
  })

  it('lets the peer with the smaller id dial first', async () => {
    const { dialer, dials } = setup(PEER)
    dialer.start()
    dialer.learn(SELF, [ADDRESS])
    await vi.advanceTimersByTimeAsync(500)
    expect(dials).toEqual([])
    await vi.advanceTimersByTimeAsync(1_000)
    expect(dials.length).toBeGreaterThan(0)
  })

  it('learns who lives at a bare address, and notices when somebody else moves in', async () => {
    const { dialer, connected, dials, answers, lose } = setup()
    answers.set(ADDRESS, PEER)
    dialer.addBootstrap(ADDRESS)
    dialer.start()
    await vi.advanceTimersByTimeAsync(1)
    expect(dials).toEqual([[ADDRESS]])
    await vi.advanceTimersByTimeAsync(60_000)
    expect(dials.length).toBe(1)
    const other = '12D3KooWSHj3RRbBjD15g6wekV8y3mm57Pobmps2g2WJm6F67Lay' as PeerId
    answers.set(ADDRESS, other)
    lose(PEER)
    await vi.advanceTimersByTimeAsync(2 * REDIAL_MAX_MS)
    expect([...connected]).toEqual([other])
  })

  it('leaves its own bootstrap address alone once it knows it', async () => {
    const dials: string[][] = []
    const dialer = new Dialer({
      self: SELF,
      log: () => {},
      isConnected: () => false,
      dial: async (addresses) => {
        dials.push([...addresses])
        throw Object.assign(new Error('Can not dial self'), { name: 'InvalidPeerIdError' })
      },
    })
    dialer.addBootstrap(ADDRESS)
    dialer.addBootstrap(`${ADDRESS}/p2p/${SELF}`)
    dialer.start()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(dials).toEqual([[ADDRESS]])
  })

  it('dials a few at a time, and does not let those that never answer keep the rest waiting', async () => {
    const { dialer, dials, answers, hangs, connected } = setup()
    dialer.start()
    const seventh = '/ip4/10.0.0.99/tcp/1'
    for (let host = 1; host <= 20; host += 1) {
      const address = `/ip4/10.0.1.${host}/tcp/1`
      hangs.add(address)
      dialer.addBootstrap(address)
    }
    answers.set(seventh, PEER)
    dialer.addBootstrap(seventh)
    dialer.start()
    await vi.advanceTimersByTimeAsync(1)
    expect(dials.length).toBe(FRESH_DIALS_MAX)
    await vi.advanceTimersByTimeAsync(300_000)
    expect([...connected]).toEqual([PEER])
  })

  it('connects at once on request, even when it would wait, and says when it cannot', async () => {
    const { dialer, answers, connected } = setup(PEER)
    const { signal } = new AbortController()
    dialer.start()
    await expect(dialer.connect(SELF, signal)).rejects.toMatchObject({ code: 'PEER_UNREACHABLE' })
    dialer.learn(SELF, [ADDRESS])
    await expect(dialer.connect(SELF, signal)).rejects.toMatchObject({ code: 'PEER_UNREACHABLE' })
    answers.set(`${ADDRESS}/p2p/${SELF}`, SELF)
    await dialer.connect(SELF, signal)
    expect([...connected]).toEqual([SELF])
  })
})
