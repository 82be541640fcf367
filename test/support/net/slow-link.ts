// A way between two machines that is slow and narrow: everything that goes over it is held up here, in one queue for each
// direction, as a radio link or an uplink does it. The kernel's own means (netem) can't be had everywhere.
import { once } from 'node:events'
import { createServer, connect, type Server, type Socket } from 'node:net'

export interface LinkShape {
  /** There and back, ms. */
  readonly roundTripMs: number
  /** Each way. */
  readonly bytesPerSecond: number
}

/** What waits at the near end of the link; past it the sender is no longer read from. */
const QUEUE_BYTES = 16 * 1024

interface Parcel {
  readonly at: number
  readonly deliver: () => void
}

/** One direction of a link: all connections over it share its width. */
export class Lane {
  /** Taken in so far. */
  bytes = 0
  readonly #shape: LinkShape
  readonly #underway: Parcel[] = []
  #freeAt = 0
  #isWaiting = false

  constructor(shape: LinkShape) {
    this.#shape = shape
  }

  /** Everything that `source` says arrives at `sink` in order and late, its end included. */
  carry(source: Socket, sink: Socket): void {
    source.on('data', (chunk) => {
      this.bytes += chunk.length
      const now = performance.now()
      const { bytesPerSecond, roundTripMs } = this.#shape
      this.#freeAt = Math.max(now, this.#freeAt) + (1_000 * chunk.length) / bytesPerSecond
      this.#send(this.#freeAt + roundTripMs / 2, () => sink.write(chunk))
      const excessMs = this.#freeAt - now - (1_000 * QUEUE_BYTES) / bytesPerSecond
      if (excessMs <= 0) return
      source.pause()
      setTimeout(() => source.resume(), excessMs)
    })
    source.on('end', () => this.#send(performance.now() + this.#shape.roundTripMs / 2, () => sink.end()))
    source.on('error', () => sink.destroy())
    source.on('close', () => this.#send(performance.now() + this.#shape.roundTripMs / 2, () => sink.end()))
  }

  #send(at: number, deliver: () => void): void {
    const last = this.#underway.at(-1)
    this.#underway.push({ at: Math.max(at, last?.at ?? 0), deliver })
    if (!this.#isWaiting) this.#wait()
  }

  #arrive(): void {
    const now = performance.now()
    while (this.#underway[0] !== undefined && this.#underway[0].at <= now) this.#underway.shift()?.deliver()
    this.#isWaiting = false
    if (this.#underway.length > 0) this.#wait()
  }

  #wait(): void {
    this.#isWaiting = true
    setTimeout(() => this.#arrive(), Math.max(1, (this.#underway[0]?.at ?? 0) - performance.now()))
  }
}

export interface Relay {
  readonly port: number
  close(): void
}

/** Listens for whoever wants to go to `target`, and takes it there over these lanes. */
export async function relayTo(
  target: { readonly host: string; readonly port: number },
  there: Lane,
  back: Lane,
): Promise<Relay> {
  const sockets = new Set<Socket>()
  const keep = (socket: Socket) => {
    socket.setNoDelay(true)
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    return socket
  }
  const server: Server = createServer((caller) => {
    const callee = connect(target)
    there.carry(keep(caller), callee)
    back.carry(keep(callee), caller)
  })
  server.listen(0, '0.0.0.0')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the relay has no port')
  return {
    port: address.port,
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}
