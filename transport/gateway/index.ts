// The y-websocket door: any Yjs client's WebsocketProvider connects to any peer at /<session id> and edits the same
// document as the SDK. Speaks the protocol of y-websocket 3 (y-protocols sync and awareness); what comes in is
// untrusted: anything malformed closes that one connection with a code of close-codes.ts.
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocketServer } from 'ws'
import { CLOSE } from './close-codes.ts'
import { serve, type House } from './connection.ts'
import { Rooms } from './rooms.ts'
import type { GatewaySession } from './room.ts'

export type { CloseReason } from './close-codes.ts'
export type { GatewaySession } from './room.ts'

export interface GatewayOptions {
  /** Opens the session for as long as clients have it open. */
  readonly open: (session: string) => Promise<GatewaySession>
  /** Whether this client may open that session; without it everyone may who gets here. */
  readonly authorize?: (request: IncomingMessage, session: string) => boolean | Promise<boolean>
  readonly limits: {
    readonly updateBytesMax: number
    /** @default 10000 */
    readonly clientsMax?: number
  }
  readonly clock: { setTimer(delayMs: number, callback: () => void): () => void }
  readonly log: (level: 'info' | 'warn', message: string, fields?: object) => void
}

export interface Gateway {
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void
  /** Closes every client with `shuttingDown`; resolves when all are gone, within CLOSE_TIMEOUT_MS. Idempotent. */
  close(): Promise<void>
}

const CLIENTS_MAX_DEFAULT = 10_000
/** A client that did not answer a ping when the next is due is dropped. */
const BEAT_INTERVAL_MS = 10_000
/** How long a client may take to answer a close. */
const CLOSE_TIMEOUT_MS = 1_000

export function createGateway(options: GatewayOptions): Gateway {
  const messageBytesMax = options.limits.updateBytesMax * 2
  // `closeTimeout` is in ws since 8.19; its types are not.
  const limits = { maxPayload: messageBytesMax, closeTimeout: CLOSE_TIMEOUT_MS }
  const server = new WebSocketServer({ noServer: true, ...limits })
  const rooms = new Rooms(options.open, options.limits.updateBytesMax)
  let closing: Promise<void> | undefined
  const house: House = { ...options, rooms, messageBytesMax, closing: () => closing !== undefined }
  let stopBeat = () => {}
  const beat = () => {
    stopBeat = options.clock.setTimer(BEAT_INTERVAL_MS, () => {
      rooms.beat()
      beat()
    })
  }
  beat()

  async function close(): Promise<void> {
    stopBeat()
    const sockets = [...server.clients]
    const gone = sockets.map((socket) => new Promise<void>((resolve) => socket.once('close', () => resolve())))
    for (const socket of sockets) socket.close(CLOSE.shuttingDown.code, CLOSE.shuttingDown.reason)
    server.close()
    await Promise.all(gone)
  }

  return {
    handleUpgrade(request, socket, head) {
      const full = server.clients.size >= (options.limits.clientsMax ?? CLIENTS_MAX_DEFAULT)
      server.handleUpgrade(request, socket, head, (client) => {
        if (closing !== undefined) client.close(CLOSE.shuttingDown.code, CLOSE.shuttingDown.reason)
        else if (full) client.close(CLOSE.tooMany.code, CLOSE.tooMany.reason)
        else serve(client, request, house)
      })
    },
    close() {
      closing ??= close()
      return closing
    },
  }
}
