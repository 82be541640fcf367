// Backpressure for gossip. Gossipsub queues what a neighbour has not read without limit and without telling, so a
// publisher that is faster than a neighbour would first grow the memory and then lose the stream with all it holds. A
// publish therefore waits while a neighbour has too much unread; but one that takes nothing at all (it hangs) is waited
// for once, and then left to its fate until it reads again, so that it can't hold up the others.

import type { Stream } from '@libp2p/interface'
import { GOSSIP_BACKLOG_HIGH, GOSSIP_STALL_MS } from './limits.ts'

/** What is needed of a libp2p stream; tests pass less than a whole one. */
export type Backlogged = Pick<Stream, 'status' | 'writeBufferLength' | 'addEventListener' | 'removeEventListener'>

export class Backlog {
  readonly #streams: () => readonly Backlogged[]
  readonly #stalled = new WeakSet<Backlogged>()
  #last: Promise<unknown> = Promise.resolve()

  /** `streams` gives the open streams that gossip goes out on. */
  constructor(streams: () => readonly Backlogged[]) {
    this.#streams = streams
  }

  /** Runs `send` when there is room and all sends before it are done: a send shows in the backlog only at its end. */
  run<T>(send: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(() => this.#drained()).then(send)
    this.#last = turn.catch(() => {})
    return turn
  }

  async #drained(): Promise<void> {
    for (let stream = this.#fullest(); stream !== undefined; stream = this.#fullest()) {
      if (!(await progress(stream))) this.#giveUpOn(stream)
    }
  }

  #fullest(): Backlogged | undefined {
    return this.#streams().find(
      (stream) =>
        stream.status === 'open' && stream.writeBufferLength > GOSSIP_BACKLOG_HIGH && !this.#stalled.has(stream),
    )
  }

  #giveUpOn(stream: Backlogged): void {
    this.#stalled.add(stream)
    stream.addEventListener('drain', () => this.#stalled.delete(stream), { once: true })
  }
}

/** Whether the neighbour read something, or closed, before it counts as stalled. */
function progress(stream: Backlogged): Promise<boolean> {
  return new Promise((resolve) => {
    const settle = (progressed: boolean) => (): void => {
      clearTimeout(timer)
      stream.removeEventListener('drain', onProgress)
      stream.removeEventListener('close', onProgress)
      resolve(progressed)
    }
    const onProgress = settle(true)
    const timer = setTimeout(settle(false), GOSSIP_STALL_MS)
    stream.addEventListener('drain', onProgress)
    stream.addEventListener('close', onProgress)
  })
}
