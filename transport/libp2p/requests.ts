// The asking half of direct requests. One request has a libp2p stream of `/sessionmesh/<protocol>/1` to itself while it
// runs: a length-prefixed message there, one back. Afterwards the stream is kept for the next request, because opening
// one costs four to six times as much as using one (negotiation, peer store). A stream on which anything went wrong is
// thrown away.

import type { Connection, Stream } from '@libp2p/interface'
import { type LengthPrefixedStream, lpStream } from '@libp2p/utils'
import { hasCode, SessionMeshError } from '../../crdt/errors.ts'
import { type PeerId, REQUEST_BYTES_MAX, REQUEST_TIMEOUT_DEFAULT_MS, type RequestOptions } from '../port.ts'
import { INBOUND_STREAMS_MAX, REQUEST_BUFFER_MAX, REQUEST_STREAMS_MAX } from './limits.ts'

export interface Channel {
  readonly stream: Stream
  readonly messages: LengthPrefixedStream<Stream>
}

interface Pool {
  readonly idle: Channel[]
  /** Streams that exist or are being opened. */
  open: number
  readonly waiting: (() => void)[]
}

export function streamProtocol(protocol: string): string {
  return `/sessionmesh/${protocol}/1`
}

export function openChannel(stream: Stream): Channel {
  const messages = lpStream(stream, { maxBufferSize: REQUEST_BUFFER_MAX, maxDataLength: REQUEST_BYTES_MAX })
  return { stream, messages }
}

export class Requests {
  readonly #connect: (peer: PeerId, signal: AbortSignal) => Promise<Connection>
  readonly #pools = new Map<string, Pool>()
  readonly #running = new Set<AbortController>()

  /** `connect` gives an open connection, dialling if need be. */
  constructor(connect: (peer: PeerId, signal: AbortSignal) => Promise<Connection>) {
    this.#connect = connect
  }

  async request(peer: PeerId, protocol: string, bytes: Uint8Array, options: RequestOptions = {}): Promise<Uint8Array> {
    const timeoutMs = options.timeoutMs ?? REQUEST_TIMEOUT_DEFAULT_MS
    const controller = new AbortController()
    const timer = setTimeout(
      () =>
        controller.abort(
          new SessionMeshError('REQUEST_TIMEOUT', `${protocol} to ${peer}: no answer in ${timeoutMs} ms`),
        ),
      timeoutMs,
    )
    this.#running.add(controller)
    try {
      return await this.#exchange(peer, protocol, bytes, controller.signal)
    } catch (error) {
      if (controller.signal.aborted) throw controller.signal.reason
      if (hasCode(error)) throw error
      throw new SessionMeshError('PEER_UNREACHABLE', `${protocol} to ${peer}: ${reasonOf(error)}`, { cause: error })
    } finally {
      clearTimeout(timer)
      this.#running.delete(controller)
    }
  }

  stop(): void {
    for (const controller of this.#running) {
      controller.abort(new SessionMeshError('PEER_UNREACHABLE', 'this transport was stopped'))
    }
    for (const pool of this.#pools.values()) {
      for (const channel of pool.idle) channel.stream.abort(new Error('stopped'))
    }
    this.#pools.clear()
  }

  async #exchange(peer: PeerId, protocol: string, bytes: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    const key = `${peer} ${protocol}`
    const pool = this.#pools.get(key) ?? { idle: [], open: 0, waiting: [] }
    this.#pools.set(key, pool)
    const channel = await this.#acquire(pool, peer, protocol, signal)
    try {
      await channel.messages.write(bytes, { signal })
      const answer = await channel.messages.read({ signal })
      this.#release(pool, channel)
      return answer.subarray()
    } catch (error) {
      channel.stream.abort(error instanceof Error ? error : new Error(String(error)))
      throw error
    }
  }

  async #acquire(pool: Pool, peer: PeerId, protocol: string, signal: AbortSignal): Promise<Channel> {
    while (pool.idle.length === 0 && pool.open >= REQUEST_STREAMS_MAX) await turn(pool, signal)
    const kept = pool.idle.pop()
    if (kept !== undefined) return kept
    pool.open += 1
    const closed = (): void => {
      pool.open -= 1
      pool.waiting.shift()?.()
    }
    try {
      const connection = await this.#connect(peer, signal)
      const stream = await connection.newStream(streamProtocol(protocol), {
        signal,
        maxOutboundStreams: INBOUND_STREAMS_MAX,
      })
      const channel = openChannel(stream)
      const drop = (): void => {
        const index = pool.idle.indexOf(channel)
        if (index >= 0) pool.idle.splice(index, 1)
      }
      stream.addEventListener('remoteCloseWrite', drop, { once: true })
      stream.addEventListener(
        'close',
        () => {
          drop()
          closed()
        },
        { once: true },
      )
      return channel
    } catch (error) {
      closed()
      throw error
    }
  }

  #release(pool: Pool, channel: Channel): void {
    if (channel.stream.status !== 'open' || channel.stream.remoteWriteStatus !== 'writable') {
      channel.stream.abort(new Error('closed by the other side'))
      return
    }
    pool.idle.push(channel)
    pool.waiting.shift()?.()
  }
}

/** Waits until a stream of the pool may have come free. */
function turn(pool: Pool, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const go = (): void => {
      signal.removeEventListener('abort', giveUp)
      resolve()
    }
    const giveUp = (): void => {
      pool.waiting.splice(pool.waiting.indexOf(go), 1)
      reject(signal.reason)
    }
    pool.waiting.push(go)
    signal.addEventListener('abort', giveUp, { once: true })
  })
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
