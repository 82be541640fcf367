// The TCP of one simulated process: it may listen, and it may connect.
import { SECOND, type Micros } from '../world/loop.ts'
import type { Connection, Endpoint } from '../world/network.ts'
import type { Wiring } from '../world/tier.ts'
import { Socket } from './tcp-socket.ts'

/** When an unanswered SYN is sent again, counted from the first, as Linux does it. The caller gives up before the last. */
const SYN_AGAIN: readonly Micros[] = [1 * SECOND, 3 * SECOND, 7 * SECOND, 15 * SECOND, 31 * SECOND]

export class TcpHost implements Endpoint {
  readonly machine: string
  readonly #wiring: Wiring
  readonly #sockets = new Map<Connection, Socket>()
  #onSocket: ((socket: Socket) => void) | undefined

  constructor(wiring: Wiring) {
    this.machine = wiring.machine
    this.#wiring = wiring
  }

  get isDown(): boolean {
    return this.#onSocket === undefined || !this.#wiring.process.isAlive
  }

  get isFrozen(): boolean {
    return this.#wiring.process.isFrozen
  }

  listen(onSocket: (socket: Socket) => void): void {
    this.#onSocket = onSocket
    this.#wiring.network.attach(this)
  }

  unlisten(): void {
    this.#onSocket = undefined
    this.#wiring.network.detach(this)
  }

  /** Rejects when the other machine refuses, and with the reason of `signal`; until then it goes on trying. */
  connect(machine: string, signal: AbortSignal): Promise<Socket> {
    return new Promise((resolve, reject) => {
      const { network, process } = this.#wiring
      signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
      const start = network.loop.now
      const attempt = (again: readonly Micros[]) => {
        if (signal.aborted) return
        if (!network.isBlocked(this.machine, machine)) {
          process.after(this.#roundTrip(machine), () => {
            if (!signal.aborted) this.#connected(machine, resolve, reject)
          })
          return
        }
        const [next, ...rest] = again
        if (next !== undefined) process.after(start + next - network.loop.now, () => attempt(rest))
      }
      attempt(SYN_AGAIN)
    })
  }

  closed(connection: Connection): void {
    this.#sockets.get(connection)?.broken()
    this.#sockets.delete(connection)
  }

  #roundTrip(machine: string): Micros {
    const { network } = this.#wiring
    const ways = [network.link(this.machine, machine), network.link(machine, this.machine)]
    return ways.reduce(
      (took, way) => took + way.arrival(network.loop.now, 0) - network.loop.now + way.retransmission(),
      0,
    )
  }

  #connected(machine: string, resolve: (socket: Socket) => void, reject: (error: Error) => void): void {
    const { network } = this.#wiring
    const other = network.endpoint(machine)
    if (!(other instanceof TcpHost) || other.isDown) return reject(new Error(`connect ECONNREFUSED ${machine}`))
    const connection = network.connect(this, other, { isWatched: false })
    const socket = this.#socket(connection, () => {})
    // A frozen process learns of it when it thaws: its machine has shaken hands for it.
    Socket.join(
      socket,
      other.#socket(connection, (accepted) => other.#onSocket?.(accepted)),
    )
    socket.open()
    resolve(socket)
  }

  #socket(connection: Connection, onOpen: (socket: Socket) => void): Socket {
    const { process, network } = this.#wiring
    const socket = new Socket({ connection, end: this, process, network, onOpen })
    this.#sockets.set(connection, socket)
    return socket
  }
}
