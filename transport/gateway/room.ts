// A room: one session and the WebSocket clients that have it open on this peer. Document changes go to every client
// but the one they came from; awareness (cursors, names) lives and dies with the connections.
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import type { WebSocket } from 'ws'
import { applyAwarenessUpdate, Awareness, encodeAwarenessUpdate, removeAwarenessStates } from 'y-protocols/awareness'
import {
  messageYjsSyncStep1,
  messageYjsSyncStep2,
  messageYjsUpdate,
  writeSyncStep1,
  writeUpdate,
} from 'y-protocols/sync'
import * as Y from 'yjs'
import { inspectUpdate, integrable, SessionMeshError, stateVectorOf } from '../../crdt/index.ts'

/** y-websocket's message types. */
const MESSAGE_SYNC = 0
const MESSAGE_AWARENESS = 1
const MESSAGE_QUERY_AWARENESS = 3
/** Bytes a client may leave unread before it is closed. */
const UNREAD_BYTES_MAX = 16 * 1024 * 1024

export interface GatewaySession {
  readonly doc: Y.Doc
  release(): void
}

interface AwarenessChange {
  readonly added: number[]
  readonly updated: number[]
  readonly removed: number[]
}

export class Room {
  readonly #session: GatewaySession
  readonly #updateBytesMax: number
  readonly #awareness: Awareness
  /** Clients, and the awareness ids that each brought. */
  readonly #clients = new Map<WebSocket, Set<number>>()
  readonly #onSlow: (client: WebSocket) => void

  constructor(session: GatewaySession, updateBytesMax: number, onSlow: (client: WebSocket) => void) {
    this.#session = session
    this.#updateBytesMax = updateBytesMax
    this.#onSlow = onSlow
    this.#awareness = new Awareness(session.doc)
    this.#awareness.setLocalState(null)
    session.doc.on('update', this.#documentChanged)
    this.#awareness.on('update', this.#awarenessChanged)
  }

  get size(): number {
    return this.#clients.size
  }

  join(client: WebSocket): void {
    this.#clients.set(client, new Set())
    this.#send(client, (encoder) => {
      encoding.writeVarUint(encoder, MESSAGE_SYNC)
      writeSyncStep1(encoder, this.#session.doc)
    })
    const present = [...this.#awareness.getStates().keys()]
    if (present.length > 0) this.#sendAwareness([client], present)
  }

  leave(client: WebSocket): void {
    const ids = this.#clients.get(client)
    this.#clients.delete(client)
    if (ids !== undefined) removeAwarenessStates(this.#awareness, [...ids], client)
  }

  close(): void {
    this.#session.doc.off('update', this.#documentChanged)
    this.#awareness.destroy()
    this.#session.release()
  }

  /** @throws SessionMeshError INVALID_UPDATE, UPDATE_TOO_LARGE; any other error means a malformed message */
  receive(client: WebSocket, bytes: Uint8Array): void {
    const decoder = decoding.createDecoder(bytes)
    const type = decoding.readVarUint(decoder)
    if (type === MESSAGE_SYNC) this.#receiveSync(client, decoder)
    else if (type === MESSAGE_AWARENESS) {
      applyAwarenessUpdate(this.#awareness, decoding.readVarUint8Array(decoder), client)
    } else if (type === MESSAGE_QUERY_AWARENESS) {
      this.#sendAwareness([client], [...this.#awareness.getStates().keys()])
    } else {
      throw new SessionMeshError('INVALID_MESSAGE', `unknown message type ${type}`)
    }
  }

  #receiveSync(client: WebSocket, decoder: decoding.Decoder): void {
    const step = decoding.readVarUint(decoder)
    const payload = decoding.readVarUint8Array(decoder)
    if (step === messageYjsSyncStep1) {
      const update = Y.encodeStateAsUpdate(this.#session.doc, payload)
      this.#send(client, (encoder) => {
        encoding.writeVarUint(encoder, MESSAGE_SYNC)
        encoding.writeVarUint(encoder, messageYjsSyncStep2)
        encoding.writeVarUint8Array(encoder, update)
      })
    } else if (step === messageYjsSyncStep2 || step === messageYjsUpdate) {
      this.#apply(client, payload)
    } else {
      throw new SessionMeshError('INVALID_MESSAGE', `unknown sync step ${step}`)
    }
  }

  /**
   * A client sends its own changes in order over one connection, and what it answers to our state vector is complete:
   * an update whose dependencies are missing is one we cannot vouch for, so it is refused, and the client starts anew.
   */
  #apply(client: WebSocket, update: Uint8Array): void {
    if (update.length > this.#updateBytesMax) {
      throw new SessionMeshError(
        'UPDATE_TOO_LARGE',
        `update of ${update.length} bytes, at most ${this.#updateBytesMax}`,
      )
    }
    const shape = inspectUpdate(update)
    if (!integrable(shape, stateVectorOf(this.#session.doc))) {
      throw new SessionMeshError('INVALID_UPDATE', 'update depends on changes that were not sent')
    }
    Y.applyUpdate(this.#session.doc, update, client)
  }

  readonly #documentChanged = (update: Uint8Array, origin: unknown): void => {
    const others = [...this.#clients.keys()].filter((client) => client !== origin)
    if (others.length === 0) return
    const encoder = encoding.createEncoder()
    encoding.writeVarUint(encoder, MESSAGE_SYNC)
    writeUpdate(encoder, update)
    const bytes = encoding.toUint8Array(encoder)
    for (const client of others) this.#write(client, bytes)
  }

  readonly #awarenessChanged = ({ added, updated, removed }: AwarenessChange, origin: unknown): void => {
    const own = this.#clients.get(origin as WebSocket)
    if (own !== undefined) {
      for (const id of added) own.add(id)
      for (const id of removed) own.delete(id)
    }
    this.#sendAwareness([...this.#clients.keys()], [...added, ...updated, ...removed])
  }

  #sendAwareness(clients: readonly WebSocket[], ids: number[]): void {
    const update = encodeAwarenessUpdate(this.#awareness, ids)
    for (const client of clients) {
      this.#send(client, (encoder) => {
        encoding.writeVarUint(encoder, MESSAGE_AWARENESS)
        encoding.writeVarUint8Array(encoder, update)
      })
    }
  }

  #send(client: WebSocket, write: (encoder: encoding.Encoder) => void): void {
    const encoder = encoding.createEncoder()
    write(encoder)
    this.#write(client, encoding.toUint8Array(encoder))
  }

  #write(client: WebSocket, bytes: Uint8Array): void {
    if (client.readyState !== client.OPEN) return
    if (client.bufferedAmount > UNREAD_BYTES_MAX) this.#onSlow(client)
    else client.send(bytes)
  }
}
