// The y-websocket door: any Yjs client's WebsocketProvider connects to any peer at /<session id> and edits the same
// document as the SDK. Speaks the protocol of y-websocket 3 (y-protocols sync and awareness); what comes in is
// untrusted: anything malformed closes that one connection with a code of close-codes.ts.
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocketServer, type RawData, type WebSocket } from 'ws'
import { hasCode, parseSessionId } from '../../crdt/index.ts'
import { CLOSE, closeReasonOf, type CloseReason } from './close-codes.ts'
import { Room, type GatewaySession } from './room.ts'

export type { GatewaySession } from './room.ts'

export interface GatewayOptions {
  /** Opens the session for as long as clients have it open. */
  readonly open: (session: string) => Promise<GatewaySession>
  readonly limits: { readonly updateBytesMax: number }
  readonly log: (level: 'info' | 'warn', message: string, fields?: object) => void
}

export interface Gateway {
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void
  /** Closes every client with `shuttingDown`. */
  close(): void
}

/** Messages kept for a client whose session is still being opened. */
const EARLY_MESSAGES_MAX = 64
/** Room for the protocol around an update. */
const ENVELOPE_BYTES = 64

export function createGateway(options: GatewayOptions): Gateway {
  const maxPayload = options.limits.updateBytesMax + ENVELOPE_BYTES
  const server = new WebSocketServer({ noServer: true, maxPayload })
  const rooms = new Map<string, Promise<Room>>()

  async function connect(client: WebSocket, request: IncomingMessage): Promise<void> {
    const early: Uint8Array[] = []
    let room: Room | undefined
    client.on('error', (error) => options.log('info', 'websocket failed', { error: error.message }))
    client.on('message', (data) => {
      if (room !== undefined) receive(client, room, toBytes(data))
      else if (early.length < EARLY_MESSAGES_MAX) early.push(toBytes(data))
      else shut(client, CLOSE.badMessage)
    })
    try {
      const id = sessionOf(request)
      room = await enter(id, client)
      for (const bytes of early) receive(client, room, bytes)
    } catch (error) {
      options.log('info', 'websocket refused', { error: String(error) })
      shut(client, hasCode(error) ? closeReasonOf(error.code) : CLOSE.internal)
    }
  }

  async function enter(id: string, client: WebSocket): Promise<Room> {
    const opening = rooms.get(id) ?? openRoom(id)
    rooms.set(id, opening)
    const room = await opening
    room.join(client)
    const left = () => {
      room.leave(client)
      if (room.size > 0) return
      rooms.delete(id)
      room.close()
    }
    if (client.readyState === client.OPEN) client.on('close', left)
    else left()
    return room
  }

  async function openRoom(id: string): Promise<Room> {
    try {
      const session = await options.open(id)
      return new Room(session, options.limits.updateBytesMax, (client) => shut(client, CLOSE.tooSlow))
    } catch (error) {
      rooms.delete(id)
      throw error
    }
  }

  function receive(client: WebSocket, room: Room, bytes: Uint8Array): void {
    try {
      room.receive(client, bytes)
    } catch (error) {
      options.log('warn', 'websocket message refused', { error: String(error) })
      shut(client, hasCode(error, 'UPDATE_TOO_LARGE') ? CLOSE.tooLarge : CLOSE.badMessage)
    }
  }

  return {
    handleUpgrade(request, socket, head) {
      server.handleUpgrade(request, socket, head, (client) => void connect(client, request))
    },
    close() {
      for (const client of server.clients) shut(client, CLOSE.shuttingDown)
      server.close()
    },
  }
}

/** The session id of a request: its whole path, decoded. @throws INVALID_SESSION_ID */
function sessionOf(request: IncomingMessage): string {
  const path = (request.url ?? '').replace(/\?.*$/s, '').replace(/^\//, '')
  try {
    return parseSessionId(decodeURIComponent(path))
  } catch (error) {
    if (hasCode(error)) throw error
    return parseSessionId('')
  }
}

function shut(client: WebSocket, { code, reason }: CloseReason): void {
  client.close(code, reason)
}

function toBytes(data: RawData): Uint8Array {
  if (Array.isArray(data)) return new Uint8Array(Buffer.concat(data))
  return new Uint8Array(data instanceof ArrayBuffer ? data : Buffer.from(data))
}
