// One connection from its first byte to its last: what comes before its session is open is kept, then received; what
// fails closes this connection and nothing else.
import type { IncomingMessage } from 'node:http'
import type { RawData, WebSocket } from 'ws'
import { hasCode, parseSessionId } from '../../crdt/index.ts'
import { Client } from './client.ts'
import { CLOSE, closeReasonOf } from './close-codes.ts'
import type { Rooms } from './rooms.ts'

/** What all connections of a gateway share. */
export interface House {
  readonly rooms: Rooms
  readonly messageBytesMax: number
  readonly authorize?: (request: IncomingMessage, session: string) => boolean | Promise<boolean>
  readonly closing: () => boolean
  readonly log: (level: 'info' | 'warn', message: string, fields?: object) => void
}

/** Messages, and as many bytes as one message may have, are kept for a client while its session is being opened. */
const EARLY_MESSAGES_MAX = 1_024

export function serve(socket: WebSocket, request: IncomingMessage, house: House): void {
  const client = new Client(socket)
  const fail = (error: unknown): void => {
    const coded = hasCode(error)
    house.log(coded ? 'info' : 'warn', 'websocket refused', { path: pathOf(request), error: String(error) })
    client.shut(coded ? closeReasonOf(error.code) : CLOSE.internal)
  }
  const early = new Early(house.messageBytesMax)
  let receive = (bytes: Uint8Array): void => {
    if (!early.keep(bytes)) client.shut(CLOSE.tooMany)
  }
  const guarded = (bytes: Uint8Array): void => {
    if (!client.open) return
    try {
      receive(bytes)
    } catch (error) {
      fail(error)
    }
  }
  socket.on('error', (error) => house.log('info', 'websocket failed', { path: pathOf(request), error: error.message }))
  socket.on('message', (data) => guarded(toBytes(data)))
  const left = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  const admit = async (): Promise<void> => {
    const id = sessionOf(request)
    if ((await house.authorize?.(request, id)) === false) return client.shut(CLOSE.unauthorized)
    if (house.closing()) return client.shut(CLOSE.shuttingDown)
    const room = await house.rooms.enter(id, client, left)
    receive = (bytes) => room.receive(client, bytes)
    for (const bytes of early.take()) guarded(bytes)
    return undefined
  }
  admit().catch(fail)
}

/** A bounded queue. */
class Early {
  readonly #bytesMax: number
  #messages: Uint8Array[] = []
  #bytes = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  /** Returns false, with nothing kept, when there is too much. */
  keep(bytes: Uint8Array): boolean {
    if (this.#messages.length >= EARLY_MESSAGES_MAX || this.#bytes + bytes.length > this.#bytesMax) return false
    this.#messages.push(bytes)
    this.#bytes += bytes.length
    return true
  }

  take(): readonly Uint8Array[] {
    const messages = this.#messages
    this.#messages = []
    return messages
  }
}

/** Without the query string, which may hold a token. */
function pathOf(request: IncomingMessage): string {
  return (request.url ?? '').replace(/\?.*$/s, '')
}

/** The session id of a request: its whole path, decoded. @throws INVALID_SESSION_ID */
function sessionOf(request: IncomingMessage): string {
  const path = pathOf(request).replace(/^\//, '')
  try {
    return parseSessionId(decodeURIComponent(path))
  } catch (error) {
    if (hasCode(error)) throw error
    return parseSessionId('')
  }
}

function toBytes(data: RawData): Uint8Array {
  if (Array.isArray(data)) return new Uint8Array(Buffer.concat(data))
  return new Uint8Array(data instanceof ArrayBuffer ? data : Buffer.from(data))
}
