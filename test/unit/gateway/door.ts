// A gateway on a real socket in front of plain documents, and clients for it: the stock y-websocket provider, and a
// raw WebSocket for messages that no provider would send.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { WebSocket } from 'ws'
import { WebsocketProvider } from 'y-websocket'
import type * as Y from 'yjs'
import { createDocument, SessionMeshError } from '../../../crdt/index.ts'
import { systemClock } from '../../../node/ports/clock.ts'
import { createGateway } from '../../../transport/gateway/index.ts'

export const UPDATE_BYTES_MAX = 64 * 1024

export interface Door {
  readonly url: string
  readonly docs: ReadonlyMap<string, Y.Doc>
  /** Sessions opened and not yet released, by id. */
  readonly held: ReadonlyMap<string, number>
  /** While set, opening a session waits for it. */
  hold: Promise<void> | undefined
  provider(id: string, doc: Y.Doc): WebsocketProvider
  raw(id: string): Promise<WebSocket>
  /** Connections that the server has. */
  clients(): number
  close(): Promise<void>
}

export async function openDoor(): Promise<Door> {
  const docs = new Map<string, Y.Doc>()
  const held = new Map<string, number>()
  const gateway = createGateway({
    limits: { updateBytesMax: UPDATE_BYTES_MAX },
    clock: systemClock,
    log: () => {},
    authorize: (request) => !(request.url ?? '').includes('locked'),
    async open(id) {
      await door.hold
      if (id === 'gone') throw new SessionMeshError('SESSION_TERMINATED', 'session gone is terminated')
      const doc = docs.get(id) ?? createDocument(id)
      docs.set(id, doc)
      held.set(id, (held.get(id) ?? 0) + 1)
      return { doc, release: () => void held.set(id, (held.get(id) ?? 0) - 1) }
    },
  })
  const server = createServer()
  const connections = new Set<object>()
  server.on('upgrade', (request, socket, head) => {
    connections.add(socket)
    socket.once('close', () => connections.delete(socket))
    gateway.handleUpgrade(request, socket, head)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`
  const providers: WebsocketProvider[] = []
  const sockets: WebSocket[] = []
  const door: Door = {
    url,
    docs,
    held,
    hold: undefined,
    provider(id, doc) {
      const provider = new WebsocketProvider(url, encodeURIComponent(id), doc, {
        WebSocketPolyfill: WebSocket as unknown as typeof globalThis.WebSocket,
        disableBc: true,
      })
      providers.push(provider)
      return provider
    },
    async raw(id) {
      const socket = new WebSocket(`${url}/${id}`)
      socket.on('error', () => {})
      sockets.push(socket)
      await new Promise<void>((resolve) => socket.once('open', resolve))
      return socket
    },
    clients: () => connections.size,
    async close() {
      for (const provider of providers) provider.destroy()
      await gateway.close()
      for (const socket of sockets) socket.terminate()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return door
}

/** The close code of a socket. */
export function closed(socket: WebSocket): Promise<number> {
  return new Promise((resolve) => socket.once('close', resolve))
}
