// Libp2p transports on loopback for tests, stopped after each, and a link between two that can be watched and broken.
import { createServer, type Server, type Socket, connect } from 'node:net'
import { afterEach, expect, vi } from 'vitest'
import { createLibp2pTransport, generateIdentity, type Libp2pTransportOptions } from '../../transport/libp2p/index.ts'
import type { Transport } from '../../transport/port.ts'

export const MESH_KEY = new Uint8Array(32).fill(7)
export const waiting = { timeout: 10_000, interval: 10 }
export const bytes = (content: string) => new TextEncoder().encode(content)
const running: { stop(): Promise<void> }[] = []
let seeds = 0

afterEach(async () => {
  await Promise.all(running.splice(0).map((each) => each.stop()))
})

export function newSeed(): Uint8Array {
  seeds += 1
  const seed = new Uint8Array(32)
  new DataView(seed.buffer).setUint32(0, seeds)
  return seed
}

export async function newTransport(
  options: Partial<Libp2pTransportOptions> & { seed?: Uint8Array } = {},
): Promise<Transport> {
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

export async function started(options: Parameters<typeof newTransport>[0] = {}): Promise<Transport> {
  const transport = await newTransport(options)
  await transport.start()
  return transport
}

/** Where it listens, without its id: what an operator would write down. */
export function bareAddress(transport: Transport): string {
  return (transport.addresses()[0] ?? '').replace(/\/p2p\/.*$/, '')
}

export async function untilConnected(a: Transport, b: Transport): Promise<void> {
  await vi.waitFor(() => {
    expect(a.peers()).toContain(b.self)
    expect(b.peers()).toContain(a.self)
  }, waiting)
}

export async function gossipReaches(from: Transport, to: Transport): Promise<void> {
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
export async function startProxy(target: string): Promise<Proxy> {
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
