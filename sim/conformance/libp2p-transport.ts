// A libp2p transport over the simulated TCP: addresses and behaviour are those of @libp2p/tcp, so that everything above
// it is what production runs.
import {
  type Connection,
  type CreateListenerOptions,
  type DialTransportOptions,
  type Listener,
  type ListenerEvents,
  type Logger,
  type ComponentLogger,
  type MultiaddrConnection,
  type Transport,
  serviceCapabilities,
  transportSymbol,
  TypedEventEmitter,
} from '@libp2p/interface'
import { AbstractMultiaddrConnection, type SendResult } from '@libp2p/utils'
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import type { Uint8ArrayList } from 'uint8arraylist'
import type { TcpHost } from './tcp-host.ts'
import type { Socket } from './tcp-socket.ts'

/** Gives machines addresses, and finds them by those. */
export interface AddressBook {
  addressOf(machine: string): string
  machineAt(address: string): string | undefined
}

export function simulatedTcp(host: TcpHost, book: AddressBook): (components: { logger: ComponentLogger }) => Transport {
  return ({ logger }) => new SimulatedTcp(host, book, logger)
}

class SimulatedTcp implements Transport {
  readonly [transportSymbol] = true
  readonly [Symbol.toStringTag] = 'sim/tcp'
  readonly [serviceCapabilities] = ['@libp2p/transport']
  readonly #host: TcpHost
  readonly #book: AddressBook
  readonly #logger: ComponentLogger

  constructor(host: TcpHost, book: AddressBook, logger: ComponentLogger) {
    this.#host = host
    this.#book = book
    this.#logger = logger
  }

  async dial(address: Multiaddr, options: DialTransportOptions): Promise<Connection> {
    options.signal.throwIfAborted()
    const machine = this.#book.machineAt(tcpPart(address))
    if (machine === undefined) throw new Error(`no machine has the address ${address}`)
    const socket = await this.#host.connect(machine, options.signal)
    const connection = new SocketConnection(socket, address, 'outbound', this.#logger.forComponent('sim:tcp'))
    try {
      return await options.upgrader.upgradeOutbound(connection, options)
    } catch (error) {
      connection.abort(error instanceof Error ? error : new Error(String(error)))
      throw error
    }
  }

  createListener(options: CreateListenerOptions): Listener {
    return new SimulatedListener(this.#host, this.#book, options, this.#logger)
  }

  listenFilter(addresses: Multiaddr[]): Multiaddr[] {
    return addresses.filter((address) => this.#book.machineAt(tcpPart(address)) !== undefined)
  }

  dialFilter(addresses: Multiaddr[]): Multiaddr[] {
    return this.listenFilter(addresses)
  }
}

class SimulatedListener extends TypedEventEmitter<ListenerEvents> implements Listener {
  readonly #host: TcpHost
  readonly #book: AddressBook
  readonly #options: CreateListenerOptions
  readonly #log: Logger
  readonly #shutdown = new AbortController()
  #addresses: Multiaddr[] = []

  constructor(host: TcpHost, book: AddressBook, options: CreateListenerOptions, logger: ComponentLogger) {
    super()
    this.#host = host
    this.#book = book
    this.#options = options
    this.#log = logger.forComponent('sim:tcp:listener')
  }

  async listen(address: Multiaddr): Promise<void> {
    this.#addresses = [address]
    this.#host.listen((socket) => this.#accept(socket))
    this.safeDispatchEvent('listening')
  }

  getAddrs(): Multiaddr[] {
    return this.#addresses
  }

  async close(): Promise<void> {
    this.#shutdown.abort()
    this.#host.unlisten()
    this.#addresses = []
    this.safeDispatchEvent('close')
  }

  updateAnnounceAddrs(): void {}

  #accept(socket: Socket): void {
    const remote = multiaddr(this.#book.addressOf(socket.remoteMachine))
    const connection = new SocketConnection(socket, remote, 'inbound', this.#log)
    this.#options.upgrader.upgradeInbound(connection, { signal: this.#shutdown.signal }).catch((error: Error) => {
      connection.abort(error)
    })
  }
}

class SocketConnection extends AbstractMultiaddrConnection implements MultiaddrConnection {
  readonly #socket: Socket

  constructor(socket: Socket, remoteAddr: Multiaddr, direction: 'inbound' | 'outbound', log: Logger) {
    super({ remoteAddr, direction, log })
    this.#socket = socket
    socket.listen({
      onData: (bytes) => this.onData(bytes),
      onEnd: () => this.onTransportClosed(),
      onReset: () => this.abort(new Error('TCP transmission error')),
      onDrain: () => this.safeDispatchEvent('drain'),
    })
  }

  sendData(data: Uint8ArrayList): SendResult {
    // A copy: what comes out at the other end must not be a view of what the sender goes on using.
    const canSendMore = this.#socket.write(data.slice())
    return { sentBytes: data.byteLength, canSendMore }
  }

  async sendClose(): Promise<void> {
    this.#socket.end()
  }

  sendReset(): void {
    this.#socket.reset()
  }

  // Reading goes on: what the muxer has no room for, it keeps.
  sendPause(): void {}

  sendResume(): void {}
}

/** The address without the peer id that may be at its end. */
function tcpPart(address: Multiaddr): string {
  return address.toString().replace(/\/p2p\/.*$/, '')
}
