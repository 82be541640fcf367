// One end of a TCP connection: bytes arrive in order or not at all. Loss costs time, what is sent into a blocked link is
// kept and arrives late, and a machine answers with a reset for a process that is gone. A side whose other end falls
// silent is told nothing: to notice that is libp2p's own business here.
import type { Connection, Endpoint, Network } from '../world/network.ts'
import type { SimProcess } from '../world/process.ts'

/** Bytes on the way and unread, one way, past which a writer waits. Linux's first receive buffer. */
const WINDOW_BYTES = 128 * 1024
const HEADER_BYTES = 40

export interface SocketListener {
  onData(bytes: Uint8Array): void
  /** The other side has sent all it had. */
  onEnd(): void
  /** The connection is broken. */
  onReset(): void
  /** There is room to write again. */
  onDrain(): void
}

/** What goes between two ends, in order; `open` is the first. */
type Segment =
  | { readonly kind: 'open' }
  | { readonly kind: 'data'; readonly bytes: Uint8Array }
  | { readonly kind: 'end' }

export interface SocketParts {
  readonly connection: Connection
  readonly end: Endpoint
  readonly process: SimProcess
  readonly network: Network
  /** Called in the process when it gets to hear of the connection. */
  readonly onOpen: (socket: Socket) => void
}

export class Socket {
  readonly remoteMachine: string
  readonly #parts: SocketParts
  #other: Socket | undefined
  #listener: SocketListener | undefined
  #isClosed = false
  #sent = 0
  #arrived = 0
  readonly #early = new Map<number, Segment>()
  readonly #unread: Segment[] = []
  /** Bytes that the other side has not read, as far as known here. */
  #inFlight = 0
  /** Bytes read that the other side has not been told of. */
  #toAcknowledge = 0

  constructor(parts: SocketParts) {
    this.#parts = parts
    this.remoteMachine = parts.connection.other(parts.end).machine
  }

  /** Joins two ends; each then talks to the other. */
  static join(one: Socket, other: Socket): void {
    one.#other = other
    other.#other = one
  }

  /** Must be called in `onOpen`: what comes before is not kept. */
  listen(listener: SocketListener): void {
    this.#listener = listener
  }

  /** Makes the connection known to the process at the other end. */
  open(): void {
    this.#send({ kind: 'open' }, HEADER_BYTES)
  }

  /** @returns whether more may be written at once; if not, `onDrain` tells when */
  write(bytes: Uint8Array): boolean {
    if (this.#isClosed) return false
    this.#inFlight += bytes.length
    this.#send({ kind: 'data', bytes }, bytes.length + HEADER_BYTES)
    return this.#inFlight < WINDOW_BYTES
  }

  /** Closes in order: what was written arrives first. */
  end(): void {
    if (this.#isClosed) return
    this.#send({ kind: 'end' }, HEADER_BYTES)
    this.#close()
  }

  reset(): void {
    if (this.#isClosed) return
    this.#close()
    this.#sendReset()
  }

  /** The connection is gone, as this end learns now. */
  broken(): void {
    if (this.#isClosed) return
    this.#close()
    this.#parts.process.enter(() => this.#listener?.onReset())
  }

  #peer(): Socket {
    if (this.#other === undefined) throw new Error('used before it was joined')
    return this.#other
  }

  #send(segment: Segment, size: number): void {
    const { connection, end } = this.#parts
    const number = this.#sent++
    connection.send(end, size, () => this.#peer().#arrive(number, segment))
  }

  #arrive(number: number, segment: Segment): void {
    if (this.#isClosed || !this.#parts.process.isAlive) return this.#sendReset()
    this.#early.set(number, segment)
    for (let next = this.#early.get(this.#arrived); next !== undefined; next = this.#early.get(this.#arrived)) {
      this.#early.delete(this.#arrived++)
      this.#unread.push(next)
      // Reads whatever is first when it gets there: a slow or frozen process must not read out of order.
      this.#parts.process.enter(() => this.#read())
    }
  }

  #read(): void {
    const segment = this.#unread.shift()
    if (segment === undefined || this.#isClosed) return
    switch (segment.kind) {
      case 'open':
        return this.#parts.onOpen(this)
      case 'data':
        this.#acknowledge(segment.bytes.length)
        return this.#listener?.onData(segment.bytes)
      case 'end':
        this.end()
        return this.#listener?.onEnd()
    }
  }

  #acknowledge(bytes: number): void {
    this.#toAcknowledge += bytes
    if (this.#toAcknowledge < WINDOW_BYTES / 4) return
    const read = this.#toAcknowledge
    this.#toAcknowledge = 0
    const { connection, end } = this.#parts
    connection.send(end, HEADER_BYTES, () => this.#peer().#wasRead(read))
  }

  #wasRead(bytes: number): void {
    const wasFull = this.#inFlight >= WINDOW_BYTES
    this.#inFlight -= bytes
    if (!wasFull || this.#inFlight >= WINDOW_BYTES || this.#isClosed) return
    this.#parts.process.enter(() => this.#listener?.onDrain())
  }

  /** A reset is sent once: one that meets a blocked link is lost. */
  #sendReset(): void {
    const { connection, end, network } = this.#parts
    if (network.link(end.machine, this.remoteMachine).blocks > 0) return
    connection.send(end, HEADER_BYTES, () => this.#peer().broken())
  }

  #close(): void {
    this.#isClosed = true
    this.#unread.length = 0
    this.#early.clear()
    // With both ends closed nothing more can come of it, but what is on its way must still arrive.
    if (this.#peer().#isClosed) this.#parts.connection.close()
  }
}
