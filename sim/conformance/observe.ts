// Watches what a Transport does, whichever it is: what its peer published, what it heard, and when. The same watch stands
// on tier A's model and on the real libp2p, which is what makes the two comparable.
import { crc32 } from 'node:zlib'
import type { PeerId, Transport } from '../../transport/port.ts'
import type { Micros } from '../world/loop.ts'
import type { Wiring } from '../world/tier.ts'
import { overriding } from './overriding.ts'

export interface Published {
  readonly at: Micros
  readonly machine: string
  readonly topic: string
  /** Tells the message from all others of its publisher. */
  readonly id: number
}

export interface Heard {
  readonly at: Micros
  readonly machine: string
  /** Machine that published it. */
  readonly from: string
  readonly topic: string
  readonly id: number
}

/** A process had its transport up from then on. */
export interface Started {
  readonly at: Micros
  readonly machine: string
}

/** All that was seen in a run. */
export interface Seen {
  readonly published: readonly Published[]
  readonly heard: readonly Heard[]
  readonly started: readonly Started[]
}

export class Observations implements Seen {
  readonly published: Published[] = []
  readonly heard: Heard[] = []
  readonly started: Started[] = []
  readonly #machineOf = new Map<PeerId, string>()

  watch(transport: Transport, { machine, network }: Wiring): Transport {
    this.#machineOf.set(transport.self, machine)
    const now = () => network.loop.now
    return overriding(transport, {
      start: async () => {
        await transport.start()
        this.started.push({ at: now(), machine })
      },
      publish: (topic, bytes) => {
        this.published.push({ at: now(), machine, topic, id: crc32(bytes) })
        return transport.publish(topic, bytes)
      },
      subscribe: (topic, handler) =>
        transport.subscribe(topic, (message) => {
          const from = this.#machineOf.get(message.from) ?? ''
          this.heard.push({ at: now(), machine, from, topic, id: crc32(message.bytes) })
          return handler(message)
        }),
    })
  }
}
