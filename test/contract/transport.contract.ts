// What every Transport must do, as tests. Run it on an implementation:
//
//   runTransportContract('memory', makeMesh)
//
// `makeMesh(n)` gives n started transports of which each has all others in `peers()`. What the port allows (loss,
// duplicates, reordering of gossip) is not asserted against: tests publish again until the message arrives.

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { hasCode } from '../../crdt/errors.ts'
import {
  GOSSIP_BYTES_MAX,
  type GossipMessage,
  type PeerId,
  REQUEST_BYTES_MAX,
  type Transport,
} from '../../transport/port.ts'

export interface TransportMesh {
  /** Started and connected, each to each. */
  readonly transports: readonly Transport[]
  /** A well-formed id that no peer has. */
  readonly stranger: PeerId
  stop(): Promise<void>
}

export type MakeMesh = (count: number) => Promise<TransportMesh>

const DEADLINE_MS = 10_000
const waiting = { timeout: DEADLINE_MS, interval: 10 }

export function runTransportContract(name: string, makeMesh: MakeMesh): void {
  describe(`transport contract: ${name}`, { timeout: 3 * DEADLINE_MS }, () => {
    const mesh = useMesh(makeMesh)
    gossipTests(mesh)
    requestTests(mesh)
    refusalTests(mesh)
    lifeTests(mesh)
  })
}

interface Trio {
  a: Transport
  b: Transport
  c: Transport
  stranger: PeerId
}

function useMesh(makeMesh: MakeMesh): () => Trio {
  let mesh: TransportMesh | undefined
  let trio: Trio | undefined
  beforeEach(async () => {
    mesh = await makeMesh(3)
    const [a, b, c] = mesh.transports
    if (a === undefined || b === undefined || c === undefined) throw new Error('makeMesh(3) gave fewer than 3')
    trio = { a, b, c, stranger: mesh.stranger }
  })
  afterEach(async () => {
    await mesh?.stop()
  })
  return () => {
    if (trio === undefined) throw new Error('used outside a test')
    return trio
  }
}

function gossipTests(mesh: () => Trio): void {
  it('brings gossip to every subscriber with the right origin, and not to the publisher', async () => {
    const { a, b, c } = mesh()
    const heard: string[] = []
    const hear = (who: string) => (message: GossipMessage) => {
      heard.push(`${who}: ${message.topic} ${text(message.bytes)} ${message.from}`)
      return 'accept' as const
    }
    a.subscribe('news', hear('a'))
    b.subscribe('news', hear('b'))
    c.subscribe('news', hear('c'))
    await publishUntil(a, 'news', 'hello', () => new Set(heard).size >= 2)
    expect(new Set(heard)).toEqual(new Set([`b: news hello ${a.self}`, `c: news hello ${a.self}`]))
  })

  it('gives each message to a handler once, and tells topics apart', async () => {
    const { a, b, c } = mesh()
    const heard: string[] = []
    const hear = (message: GossipMessage) => {
      heard.push(text(message.bytes))
      return 'accept' as const
    }
    b.subscribe('news', hear)
    c.subscribe('news', () => 'accept')
    await publishUntil(a, 'news', 'ready', () => heard.length > 0)
    heard.length = 0
    await a.publish('weather', bytes('rain'))
    for (let index = 0; index < 50; index += 1) await a.publish('news', bytes(String(index)))
    await vi.waitFor(() => expect(heard).toContain('49'), waiting)
    const counted = heard.filter((message) => message !== 'ready')
    expect(counted).toEqual([...new Set(counted)])
    expect(counted).not.toContain('rain')
  })

  it('survives a handler that rejects and one that throws', async () => {
    const { a, b } = mesh()
    const heard: string[] = []
    b.subscribe('news', ({ bytes: payload }) => {
      heard.push(text(payload))
      if (text(payload) === 'throw') throw new Error('planted')
      return text(payload) === 'reject' ? 'reject' : 'accept'
    })
    for (const message of ['throw', 'reject', 'good']) {
      await publishUntil(a, 'news', message, () => heard.includes(message))
    }
  })

  it('delivers no more after unsubscribe, and again after a new subscribe', async () => {
    const { a, b } = mesh()
    let first = 0
    let second = 0
    const unsubscribe = b.subscribe('news', () => {
      first += 1
      return 'accept'
    })
    await publishUntil(a, 'news', 'one', () => first > 0)
    unsubscribe()
    unsubscribe()
    const before = first
    await a.publish('news', bytes('two'))
    b.subscribe('news', () => {
      second += 1
      return 'accept'
    })
    await publishUntil(a, 'news', 'three', () => second > 0)
    expect(first).toBe(before)
  })

  it('tells how many neighbours took a message, and fires subscribed when they can', async () => {
    const { a, b } = mesh()
    const told: string[] = []
    a.on('subscribed', (peer, topic) => told.push(`${peer} ${topic}`))
    expect(await a.publish('news', bytes('nobody'))).toBe(0)
    let heard = 0
    b.subscribe('news', () => {
      heard += 1
      return 'accept'
    })
    await vi.waitFor(() => expect(told).toContain(`${b.self} news`), waiting)
    expect(await a.publish('news', bytes('first'))).toBe(1)
    await vi.waitFor(() => expect(heard).toBe(1), waiting)
  })

  it('carries gossip of the largest size and refuses more', async () => {
    const { a, b } = mesh()
    let size = 0
    b.subscribe('news', (message) => {
      size = message.bytes.length
      return 'accept'
    })
    const largest = new Uint8Array(GOSSIP_BYTES_MAX).fill(7)
    await vi.waitFor(async () => {
      if (size === 0) await a.publish('news', largest)
      expect(size).toBe(GOSSIP_BYTES_MAX)
    }, waiting)
    await expectCode(a.publish('news', new Uint8Array(GOSSIP_BYTES_MAX + 1)), 'MESSAGE_TOO_LARGE')
  })
}

function requestTests(mesh: () => Trio): void {
  it('answers requests, telling the handler who asks', async () => {
    const { a, b } = mesh()
    b.handle('echo', async (from, payload) => bytes(`${from} said ${text(payload)}`))
    expect(text(await a.request(b.self, 'echo', bytes('hi')))).toBe(`${a.self} said hi`)
    expect(text(await a.request(b.self, 'echo', bytes('')))).toBe(`${a.self} said `)
  })

  it('carries 5 MB both ways', async () => {
    const { a, b } = mesh()
    b.handle('echo', async (_from, payload) => payload)
    const large = new Uint8Array(5 * 1024 * 1024)
    for (let index = 0; index < large.length; index += 1) large[index] = (index * 31) >> 3
    const answer = await a.request(b.self, 'echo', large, { timeoutMs: DEADLINE_MS })
    expect(Buffer.compare(answer, large)).toBe(0)
  })

  it('keeps answers apart when many requests run at once, both ways', async () => {
    const { a, b } = mesh()
    const double = async (_from: PeerId, payload: Uint8Array) => bytes(`${text(payload)}${text(payload)}`)
    a.handle('double', double)
    b.handle('double', double)
    const numbers = Array.from({ length: 200 }, (_, index) => String(index))
    const answers = await Promise.all(
      numbers.map(async (number, index) => {
        const [from, to] = index % 2 === 0 ? [a, b] : [b, a]
        return text(await from.request(to.self, 'double', bytes(number)))
      }),
    )
    expect(answers).toEqual(numbers.map((number) => number + number))
  })

  it('survives a handler that throws: the asker sees PEER_UNREACHABLE, the next request is answered', async () => {
    const { a, b } = mesh()
    let calls = 0
    b.handle('shaky', async () => {
      calls += 1
      if (calls === 1) throw new Error('planted')
      return bytes('fine')
    })
    await expectCode(a.request(b.self, 'shaky', bytes('1')), 'PEER_UNREACHABLE')
    expect(text(await a.request(b.self, 'shaky', bytes('2')))).toBe('fine')
  })

  it('gives up after the timeout, and answers other requests meanwhile', async () => {
    const { a, b } = mesh()
    b.handle('hang', () => new Promise(() => {}))
    b.handle('echo', async (_from, payload) => payload)
    const hanging = expectCode(a.request(b.self, 'hang', bytes('?'), { timeoutMs: 150 }), 'REQUEST_TIMEOUT')
    expect(text(await a.request(b.self, 'echo', bytes('still here')))).toBe('still here')
    await hanging
  })
}

function refusalTests(mesh: () => Trio): void {
  it('says PEER_UNREACHABLE for a peer that nobody knows, for itself, and for a protocol without a handler', async () => {
    const { a, b, stranger } = mesh()
    await expectCode(a.request(stranger, 'echo', bytes('')), 'PEER_UNREACHABLE')
    await expectCode(a.request(a.self, 'echo', bytes('')), 'PEER_UNREACHABLE')
    await expectCode(a.request(b.self, 'unspoken', bytes('')), 'PEER_UNREACHABLE')
  })

  it('says MESSAGE_TOO_LARGE for a request over the limit, without sending it', async () => {
    const { a, b } = mesh()
    let calls = 0
    b.handle('sink', async () => {
      calls += 1
      return bytes('')
    })
    await expectCode(a.request(b.self, 'sink', new Uint8Array(REQUEST_BYTES_MAX + 1)), 'MESSAGE_TOO_LARGE')
    expect(calls).toBe(0)
  })

  it('refuses a second handler for a topic or a protocol', () => {
    const { a } = mesh()
    a.subscribe('news', () => 'accept')
    a.handle('echo', async (_from, payload) => payload)
    expect(() => a.subscribe('news', () => 'accept')).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
    expect(() => a.handle('echo', async (_from, payload) => payload)).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
    )
  })
}

function lifeTests(mesh: () => Trio): void {
  it('knows its peers and its own addresses', () => {
    const { a, b, c } = mesh()
    expect(new Set(a.peers())).toEqual(new Set([b.self, c.self]))
    expect(a.addresses().length).toBeGreaterThan(0)
  })

  it('fires peer:down when a peer stops, and fails requests that wait for it', async () => {
    const { a, b, c } = mesh()
    const down: PeerId[] = []
    a.on('peer:down', (peer) => down.push(peer))
    let asked = false
    b.handle('hang', () => {
      asked = true
      return new Promise(() => {})
    })
    const hanging = expectCode(a.request(b.self, 'hang', bytes('?'), { timeoutMs: DEADLINE_MS }), 'PEER_UNREACHABLE')
    await vi.waitFor(() => expect(asked).toBe(true), waiting)
    await b.stop()
    await hanging
    await vi.waitFor(() => expect(down).toEqual([b.self]), waiting)
    expect(a.peers()).toEqual([c.self])
    await expectCode(a.request(b.self, 'hang', bytes('?')), 'PEER_UNREACHABLE')
  })

  it('goes on calling the other listeners when one is taken off', async () => {
    const { a, b } = mesh()
    const calls: string[] = []
    const off = a.on('peer:down', () => calls.push('off'))
    a.on('peer:down', () => calls.push('on'))
    off()
    await b.stop()
    await vi.waitFor(() => expect(calls).toEqual(['on']), waiting)
  })

  it('stops twice without complaint, and delivers nothing afterwards', async () => {
    const { a, b, c } = mesh()
    const delivered: string[] = []
    b.handle('echo', async () => {
      delivered.push('request')
      return bytes('')
    })
    b.subscribe('news', () => {
      delivered.push('gossip')
      return 'accept'
    })
    await publishUntil(a, 'news', 'before', () => delivered.length > 0)
    b.on('peer:down', () => delivered.push('peer:down'))
    await Promise.all([b.stop(), b.stop()])
    await b.stop()
    delivered.length = 0
    expect(b.peers()).toEqual([])
    expect(await b.publish('news', bytes('after'))).toBe(0)
    await expectCode(b.request(a.self, 'echo', bytes('')), 'PEER_UNREACHABLE')
    await expectCode(c.request(b.self, 'echo', bytes('')), 'PEER_UNREACHABLE')
    await a.publish('news', bytes('after'))
    a.handle('flush', async (_from, payload) => payload)
    await c.request(a.self, 'flush', bytes(''))
    expect(delivered).toEqual([])
  })
}

/** Publishes again and again, since gossip may be lost, until `arrived`. */
async function publishUntil(from: Transport, topic: string, message: string, arrived: () => boolean): Promise<void> {
  await vi.waitFor(async () => {
    if (!arrived()) await from.publish(topic, bytes(message))
    expect(arrived(), `${message} arrived`).toBe(true)
  }, waiting)
}

async function expectCode(promise: Promise<unknown>, code: Parameters<typeof hasCode>[1]): Promise<void> {
  const outcome = await promise.then(
    () => 'resolved',
    (error: unknown) => (hasCode(error) ? error.code : error),
  )
  expect(outcome).toBe(code)
}

function bytes(content: string): Uint8Array {
  return new TextEncoder().encode(content)
}

function text(content: Uint8Array): string {
  return new TextDecoder().decode(content)
}
