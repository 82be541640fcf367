// The in-memory network: the transport contract, and the faults that tests of node/ inject with it.

import { describe, expect, it, vi } from 'vitest'
import { systemClock } from '../../../node/ports/clock.ts'
import { createMemoryNetwork } from '../../../transport/memory/index.ts'
import type { PeerId } from '../../../transport/port.ts'
import { runTransportContract } from '../../contract/transport.contract.ts'

runTransportContract('memory', async (count) => {
  const network = createMemoryNetwork({ timers: systemClock })
  const transports = Array.from({ length: count }, (_, index) => network.transport(`peer-${index}`))
  for (const transport of transports) await transport.start()
  return {
    transports,
    stranger: 'nobody' as PeerId,
    stop: async () => {
      for (const transport of transports) await transport.stop()
    },
  }
})

const bytes = new Uint8Array([1, 2, 3])

async function start(...ids: string[]) {
  const queue: (() => void)[] = []
  const network = createMemoryNetwork({ defer: (fn) => queue.push(fn) })
  const transports = new Map(ids.map((id) => [id, network.transport(id)]))
  const of = (id: string) => {
    const transport = transports.get(id)
    if (transport === undefined) throw new Error(id)
    return transport
  }
  const log: string[] = []
  for (const id of ids) {
    of(id).on('peer:up', (peer) => log.push(`${id} up ${peer}`))
    of(id).on('peer:down', (peer) => log.push(`${id} down ${peer}`))
    of(id).subscribe('news', ({ from }) => {
      log.push(`${id} heard ${from}`)
      return 'accept'
    })
    await of(id).start()
  }
  const run = () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) next()
    return log.splice(0)
  }
  return { network, of, run }
}

describe('memory network', () => {
  it('delivers nothing before the deferred turn, and then in order', async () => {
    const { of, run } = await start('a', 'b')
    expect(run()).toEqual(['a up b', 'b up a'])
    await of('a').publish('news', bytes)
    await of('b').publish('news', bytes)
    expect(run()).toEqual(['b heard a', 'a heard b'])
  })

  it('cuts and heals a pair', async () => {
    const { network, of, run } = await start('a', 'b')
    run()
    network.cut('a', 'b')
    expect(run()).toEqual(['a down b', 'b down a'])
    expect(await of('a').publish('news', bytes)).toBe(0)
    await expect(of('a').request('b' as PeerId, 'echo', bytes)).rejects.toMatchObject({ code: 'PEER_UNREACHABLE' })
    network.heal()
    expect(run()).toEqual(['a up b', 'b up a'])
    expect(await of('a').publish('news', bytes)).toBe(1)
  })

  it('carries gossip round a cut link through a third subscriber, once', async () => {
    const { network, of, run } = await start('a', 'b', 'c')
    network.cut('a', 'b')
    run()
    await of('a').publish('news', bytes)
    expect(run()).toEqual(['c heard a', 'b heard a'])
  })

  it('drops what a predicate names until it is taken off', async () => {
    const { network, of, run } = await start('a', 'b', 'c')
    run()
    const restore = network.drop((parcel) => parcel.kind === 'gossip' && parcel.to === 'b')
    expect(await of('a').publish('news', bytes)).toBe(1)
    expect(run()).toEqual(['c heard a'])
    restore()
    expect(await of('a').publish('news', bytes)).toBe(2)
  })

  it('fails a dropped request or response with REQUEST_TIMEOUT when it has no timers', async () => {
    const network = createMemoryNetwork()
    const a = network.transport('a')
    const b = network.transport('b')
    b.handle('echo', async (_from, payload) => payload)
    await a.start()
    await b.start()
    for (const kind of ['request', 'response']) {
      const restore = network.drop((parcel) => parcel.kind === kind)
      await expect(a.request(b.self, 'echo', bytes)).rejects.toMatchObject({ code: 'REQUEST_TIMEOUT' })
      restore()
    }
    expect(await a.request(b.self, 'echo', bytes)).toEqual(bytes)
  })

  it('gives a fresh transport for the id of a stopped one, and receivers their own bytes', async () => {
    const network = createMemoryNetwork()
    const a = network.transport('a')
    const first = network.transport('b')
    await a.start()
    await first.start()
    await first.stop()
    const second = network.transport('b')
    expect(second).not.toBe(first)
    let heard: Uint8Array | undefined
    second.subscribe('news', (message) => {
      heard = message.bytes
      return 'accept'
    })
    await second.start()
    const sent = bytes.slice()
    await a.publish('news', sent)
    sent.fill(0)
    await vi.waitFor(() => expect(heard).toEqual(bytes))
  })
})
