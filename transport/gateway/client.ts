// One WebSocket client: what it is sent is bounded, what it sends after it was shut is ignored.
import type { WebSocket } from 'ws'
import { CLOSE, type CloseReason } from './close-codes.ts'

/** Bytes a client may leave unread before it is shut. One message may exceed it: a first sync has any size. */
const UNREAD_BYTES_MAX = 16 * 1024 * 1024

export class Client {
  /** A state vector is on its way to it, unanswered. */
  asked = false
  /** Some of what it has rests on changes that neither it nor we have. */
  incomplete = false
  readonly #socket: WebSocket
  #shut = false
  #heard = true

  constructor(socket: WebSocket) {
    this.#socket = socket
    socket.on('pong', () => (this.#heard = true))
  }

  /** Whether it is there, and what it sends counts. */
  get open(): boolean {
    return !this.#shut && this.#socket.readyState === this.#socket.OPEN
  }

  send(bytes: Uint8Array): void {
    if (!this.open) return
    if (this.#socket.bufferedAmount > UNREAD_BYTES_MAX) this.shut(CLOSE.tooSlow)
    else this.#socket.send(bytes)
  }

  shut({ code, reason }: CloseReason): void {
    if (this.#shut) return
    this.#shut = true
    this.#socket.close(code, reason)
  }

  /** To be called at even intervals: drops a client that did not answer the last call. */
  beat(keepAlive: Uint8Array): void {
    if (!this.#heard) {
      this.#socket.terminate()
      return
    }
    this.#heard = false
    if (!this.open) return
    this.#socket.ping()
    this.send(keepAlive)
  }
}
