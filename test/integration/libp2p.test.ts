// The libp2p transport over real loopback sockets: the transport contract, and what only a real network has: keys,
// strangers, sockets that break, redialling, and gossip over several hops.

import { describe, expect, it, vi } from 'vitest'
import { generateIdentity } from '../../transport/libp2p/index.ts'
import type { Transport } from '../../transport/port.ts'
import { runTransportContract } from '../contract/transport.contract.ts'
import {
  MESH_KEY,
  bareAddress,
  bytes,
  gossipReaches,
  newSeed,
  newTransport,
  startProxy,
  started,
  untilConnected,
  waiting,
} from '../support/libp2p.ts'

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
