// A room: one session and the WebSocket clients that have it open on this peer. Document changes go to every client
// but the one they came from.
//
// Nothing is applied that the document could not take in whole: what Yjs keeps pending is in nobody's log, so a peer
// would have said yes to something that it forgets. A client that sends such a thing is asked for all that it has.
import * as Y from 'yjs'
import {
  applyRemote,
  encodeIntegrated,
  inspectUpdate,
  integrable,
  isTerminated,
  SessionMeshError,
  stateVectorOf,
} from '../../crdt/index.ts'
import type { Client } from './client.ts'
import { CLOSE } from './close-codes.ts'
import { KEEP_ALIVE, readMessage, writeAnswer, writeAsk, writeUpdate } from './messages.ts'
import { Presence, type PresenceChannel } from './presence.ts'

export interface GatewaySession {
  readonly doc: Y.Doc
  /** Shares awareness with other peers; without it clients of this gateway see each other alone. */
  readonly share?: (hear: (update: Uint8Array) => void) => PresenceChannel
  release(): void
}

export class Room {
  readonly #session: GatewaySession
  readonly #updateBytesMax: number
  readonly #clients = new Set<Client>()
  readonly #presence: Presence

  constructor(session: GatewaySession, updateBytesMax: number) {
    this.#session = session
    this.#updateBytesMax = updateBytesMax
    const broadcast = (bytes: Uint8Array) => {
      for (const client of this.#clients) client.send(bytes)
    }
    this.#presence = new Presence(broadcast, session.share)
    session.doc.on('update', this.#documentChanged)
  }

  join(client: Client): void {
    this.#clients.add(client)
    this.#ask(client)
    const present = this.#presence.all()
    if (present !== undefined) client.send(present)
  }

  leave(client: Client): void {
    if (this.#clients.delete(client)) this.#presence.leave(client)
  }

  beat(): void {
    for (const client of this.#clients) client.beat(KEEP_ALIVE)
  }

  close(): void {
    this.#session.doc.off('update', this.#documentChanged)
    this.#presence.close()
    this.#session.release()
  }

  /** @throws SessionMeshError INVALID_MESSAGE, INVALID_UPDATE, UPDATE_TOO_LARGE */
  receive(client: Client, bytes: Uint8Array): void {
    const message = readMessage(bytes)
    switch (message.kind) {
      case 'ask':
        client.send(writeAnswer(encodeIntegrated(this.#session.doc, message.stateVector)))
        return
      case 'answer':
        client.asked = false
        this.#applyWhatFits(client, message.update)
        return
      case 'update':
        // Offline edits may still be under way when the next key is pressed; the answer will have both.
        if (!this.#apply(client, message.update) && !client.asked) this.#ask(client)
        return
      case 'awareness':
        this.#presence.receive(client, message.update, message.ids)
        return
      case 'query awareness': {
        const present = this.#presence.all()
        if (present !== undefined) client.send(present)
      }
    }
  }

  #ask(client: Client): void {
    client.asked = true
    client.incomplete = false
    client.send(writeAsk(Y.encodeStateVector(this.#session.doc)))
  }

  /** Returns false, with nothing done, if something that the update rests on is missing. */
  #apply(client: Client, update: Uint8Array): boolean {
    if (update.length > this.#updateBytesMax) {
      throw new SessionMeshError(
        'UPDATE_TOO_LARGE',
        `update of ${update.length} bytes, at most ${this.#updateBytesMax}`,
      )
    }
    const { doc } = this.#session
    if (!integrable(inspectUpdate(update), stateVectorOf(doc))) return false
    applyRemote(doc, update, client)
    return true
  }

  /** A client may itself lack something, from another provider; the rest of what it has is not to wait for that. */
  #applyWhatFits(client: Client, update: Uint8Array): void {
    if (this.#apply(client, update)) return
    client.incomplete = true
    const scratch = new Y.Doc({ gc: false })
    Y.applyUpdate(scratch, Y.encodeStateAsUpdate(this.#session.doc))
    applyRemote(scratch, update, client)
    scratch.store.pendingStructs = null
    scratch.store.pendingDs = null
    this.#apply(client, Y.encodeStateAsUpdate(scratch, Y.encodeStateVector(this.#session.doc)))
    scratch.destroy()
  }

  readonly #documentChanged = (update: Uint8Array, origin: unknown): void => {
    const bytes = writeUpdate(update)
    const terminated = isTerminated(this.#session.doc)
    for (const client of this.#clients) {
      if (client === origin) continue
      client.send(bytes)
      if (client.incomplete) this.#ask(client)
    }
    if (terminated) for (const client of this.#clients) client.shut(CLOSE.terminated)
  }
}
