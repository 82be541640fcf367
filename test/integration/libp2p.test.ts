// The libp2p transport over real loopback sockets: the transport contract, and what only a real network has: keys,
// strangers, sockets that break, redialling, and gossip over several hops.

import { createServer, type Server, type Socket, connect } from 'node:net'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { createLibp2pTransport, generateIdentity, type Libp2pTransportOptions } from '../../transport/libp2p/index.ts'
import type { PeerId, Transport } from '../../transport/port.ts'
import { runTransportContract } from '../contract/transport.contract.ts'

const MESH_KEY = new Uint8Array(32).fill(7)
const waiting = { timeout: 10_000, interval: 10 }
const bytes = (content: string) => new TextEncoder().encode(content)
const running: { stop(): Promise<void> }[] = []
let seeds = 0

afterEach(async () => {
  await Promise.all(running.splice(0).map((each) => each.stop()))
})

function newSeed(): Uint8Array {
  seeds += 1
  const seed = new Uint8Array(32)
  new DataView(seed.buffer).setUint32(0, seeds)
  return seed
}

async function newTransport(options: Partial<Libp2pTransportOptions> & { seed?: Uint8Array } = {}): Promise<Transport> {
  const { privateKey } = await generateIdentity(options.seed ?? newSeed())
  const transport = createLibp2pTransport({
    privateKey,
    listen: ['/ip4/127.0.0.1/tcp/0'],
    bootstrap: [],
    mdns: false,
    meshName: 'test',
    meshKey: MESH_KEY,
    ...options,
  })
  running.push(transport)
  return transport
}

async function started(options: Parameters<typeof newTransport>[0] = {}): Promise<Transport> {
  const transport = await newTransport(options)
  await transport.start()
  return transport
}

/** Where it listens, without its id: what an operator would write down. */
function bareAddress(transport: Transport): string {
  return (transport.addresses()[0] ?? '').replace(/\/p2p\/.*$/, '')
}

async function untilConnected(a: Transport, b: Transport): Promise<void> {
  await vi.waitFor(() => {
    expect(a.peers()).toContain(b.self)
    expect(b.peers()).toContain(a.self)
  }, waiting)
}

runTransportContract('libp2p', async (count) => {
  const transports: Transport[] = []
  for (let index = 0; index < count; index += 1) {
    const bootstrap = transports.flatMap((other) => other.addresses())
    transports.push(await started({ bootstrap }))
  }
  for (const a of transports) for (const b of transports) if (a !== b) await untilConnected(a, b)
  const { peerId: stranger } = await generateIdentity(newSeed())
  return {
    transports,
    stranger,
    stop: async () => {
      await Promise.all(transports.map((transport) => transport.stop()))
    },
  }
})

describe('identity', () => {
  it('is the same for the same seed, and known before start', async () => {
    const seed = newSeed()
    const first = await generateIdentity(seed)
    expect(await generateIdentity(seed)).toEqual(first)
    const transport = await newTransport({ seed })
    expect(transport.self).toBe(first.peerId)
    expect(transport.addresses()).toEqual([])
  })

  it('refuses malformed keys, seeds and addresses before start', async () => {
    const refused = expect.objectContaining({ code: 'INVALID_CONFIG' })
    await expect(generateIdentity(new Uint8Array(31))).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    await expect(newTransport({ privateKey: bytes('nonsense') })).rejects.toEqual(refused)
    await expect(newTransport({ meshKey: new Uint8Array(31) })).rejects.toEqual(refused)
    await expect(newTransport({ bootstrap: ['not an address'] })).rejects.toEqual(refused)
  })

  it('says where it could not listen', async () => {
    const a = await started()
    const b = await newTransport({ listen: [bareAddress(a)] })
    await expect(b.start()).rejects.toMatchObject({ code: 'INVALID_CONFIG' })
  })
})

describe('mesh key', () => {
  async function meets(meshKey: Uint8Array | undefined): Promise<{ member: Transport; other: Transport }> {
    const member = await started()
    member.handle('echo', async (_from, payload) => payload)
    const other = await started({ meshKey, bootstrap: member.addresses() })
    return { member, other }
  }

  it('lets peers with the same key talk', async () => {
    const { member, other } = await meets(MESH_KEY)
    await untilConnected(member, other)
    expect(await other.request(member.self, 'echo', bytes('hi'))).toEqual(bytes('hi'))
  })

  it.each([
    ['no key', undefined],
    ['another key', new Uint8Array(32).fill(8)],
  ])('keeps out a stranger with %s', async (_title, meshKey) => {
    const { member, other } = await meets(meshKey)
    const up = vi.fn()
    member.on('peer:up', up)
    const refusal = other.request(member.self, 'echo', bytes('hi'), { timeoutMs: 1_500 })
    await expect(refusal).rejects.toMatchObject({ code: expect.stringMatching('PEER_UNREACHABLE|REQUEST_TIMEOUT') })
    expect(up).not.toHaveBeenCalled()
    expect(member.peers()).toEqual([])
    expect(other.peers()).toEqual([])
    // The member still takes in one of its own.
    const friend = await started({ bootstrap: member.addresses() })
    await untilConnected(member, friend)
  })
})

describe('the allow-list', () => {
  it('keeps out a holder of the mesh key that is not on it, and lets in one that is', async () => {
    const friendSeed = newSeed()
    const { peerId: friendId } = await generateIdentity(friendSeed)
    const member = await started({ allowedPeers: [friendId] })
    const outsider = await started({ bootstrap: member.addresses() })
    const refusal = outsider.request(member.self, 'echo', bytes('hi'), { timeoutMs: 1_500 })
    await expect(refusal).rejects.toMatchObject({ code: expect.stringMatching('PEER_UNREACHABLE|REQUEST_TIMEOUT') })
    expect(member.peers()).toEqual([])
    const friend = await started({ seed: friendSeed, bootstrap: member.addresses() })
    await untilConnected(member, friend)
    expect(member.peers()).toEqual([friend.self])
  })
})

describe('connecting', () => {
  it('needs no peer id in a bootstrap address, and no peer there yet', async () => {
    const seed = newSeed()
    const first = await started({ seed })
    const address = bareAddress(first)
    await first.stop()
    const patient = await started({ bootstrap: [address] })
    const late = await started({ listen: [address] })
    await untilConnected(patient, late)
  })

  it('does not mind its own address among the bootstrap addresses', async () => {
    const probe = await started()
    const address = bareAddress(probe)
    await probe.stop()
    const a = await started({ listen: [address], bootstrap: [address] })
    const b = await started({ bootstrap: [address] })
    await untilConnected(a, b)
    expect(a.peers()).toEqual([b.self])
  })

  it('learns addresses at run time, and refuses to take one peer for another', async () => {
    const [a, b, c] = [await started(), await started(), await started()]
    b.handle('echo', async (_from, payload) => payload)
    a.learn(b.self, [...c.addresses(), 'rubbish'])
    await expect(a.request(b.self, 'echo', bytes('?'))).rejects.toMatchObject({ code: 'PEER_UNREACHABLE' })
    a.learn(b.self, [bareAddress(b)])
    expect(await a.request(b.self, 'echo', bytes('hi'))).toEqual(bytes('hi'))
    expect(a.peers()).toEqual([b.self])
  })

  it('tells of a stopped peer within 500 ms, and is back within 2 s of its restart on the same port and key', async () => {
    const seed = newSeed()
    const first = await started({ seed })
    const listen = [bareAddress(first)]
    const survivor = await started({ bootstrap: first.addresses() })
    await untilConnected(survivor, first)
    let downAt = 0
    survivor.on('peer:down', () => (downAt = performance.now()))
    const stoppedAt = performance.now()
    await first.stop()
    await vi.waitFor(() => expect(downAt).toBeGreaterThan(0), waiting)
    expect(downAt - stoppedAt).toBeLessThan(500)

    const second = await newTransport({ seed, listen })
    second.handle('echo', async (_from, payload) => payload)
    await second.start()
    const startedAt = performance.now()
    await untilConnected(survivor, second)
    expect(performance.now() - startedAt).toBeLessThan(2_000)
    expect(await survivor.request(second.self, 'echo', bytes('again'))).toEqual(bytes('again'))
    await gossipReaches(survivor, second)
    await gossipReaches(second, survivor)
  })

  it('gossips again with a peer that left while gossip with it was being set up', { timeout: 60_000 }, async () => {
    const survivor = await started()
    for (let round = 0; round < 15; round += 1) {
      const seed = newSeed()
      const first = await started({ seed, bootstrap: survivor.addresses() })
      await untilConnected(survivor, first)
      await first.stop()
      await vi.waitFor(() => expect(survivor.peers()).toEqual([]), waiting)
      const second = await started({ seed, bootstrap: survivor.addresses() })
      await untilConnected(survivor, second)
      await gossipReaches(survivor, second)
      await second.stop()
      await vi.waitFor(() => expect(survivor.peers()).toEqual([]), waiting)
    }
  })

  it('notices sockets that break, and connects and gossips again', async () => {
    const server = await started()
    const proxy = await startProxy(bareAddress(server))
    const client = await started({ bootstrap: [proxy.address], listen: [] })
    await untilConnected(client, server)
    const events: string[] = []
    client.on('peer:down', () => events.push('client down'))
    server.on('peer:down', () => events.push('server down'))
    const brokenAt = performance.now()
    proxy.breakSockets()
    await vi.waitFor(() => expect(events.toSorted()).toEqual(['client down', 'server down']), waiting)
    expect(performance.now() - brokenAt).toBeLessThan(500)
    await untilConnected(client, server)
    await gossipReaches(client, server)
    await gossipReaches(server, client)
  })
})

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

async function gossipReaches(from: Transport, to: Transport): Promise<void> {
  const topic = `reach ${from.self}`
  let heard = 0
  to.subscribe(topic, () => {
    heard += 1
    return 'accept'
  })
  await vi.waitFor(async () => {
    if (heard === 0) await from.publish(topic, bytes('ping'))
    expect(heard).toBeGreaterThan(0)
  }, waiting)
}

interface Proxy {
  readonly address: string
  /** Forwarded so far, both ways. */
  bytes(): number
  breakSockets(): void
  stop(): Promise<void>
}

/** A TCP forwarder that counts, and whose connections a test can break. */
async function startProxy(target: string): Promise<Proxy> {
  const port = Number(target.split('/').at(-1))
  const sockets = new Set<Socket>()
  let forwarded = 0
  const server: Server = createServer((inbound) => {
    const outbound = connect(port, '127.0.0.1')
    for (const [socket, other] of [
      [inbound, outbound],
      [outbound, inbound],
    ] as const) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        sockets.delete(socket)
        other.destroy()
      })
      socket.on('data', (chunk) => (forwarded += chunk.length))
      socket.pipe(other)
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const bound = server.address()
  if (bound === null || typeof bound === 'string') throw new Error('no port')
  const breakSockets = (): void => {
    for (const socket of sockets) socket.resetAndDestroy()
  }
  const proxy = {
    address: `/ip4/127.0.0.1/tcp/${bound.port}`,
    bytes: () => forwarded,
    breakSockets,
    stop: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        breakSockets()
      }),
  }
  running.push(proxy)
  return proxy
}
