// Whom one simulated process is connected to, and what each of them wants to hear. Each question that is asked for every
// message has an index of its own: with a thousand neighbours a look at all of them would be most of the work of a run.
import { placeIn } from '../../node/util/ordered.ts'
import type { PeerId } from '../../transport/port.ts'
import type { Connection } from './network.ts'
import type { SimTransport } from './transport.ts'

export interface Neighbour {
  readonly other: SimTransport
  connection: Connection
  /** They are gone through in the order in which they came. */
  readonly place: number
  /** What the other end has told of its subscriptions. */
  readonly topics: Set<string>
}

export class Neighbours {
  readonly #all = new Map<SimTransport, Neighbour>()
  readonly #byPeer = new Map<PeerId, readonly Neighbour[]>()
  readonly #byMachine = new Map<string, number>()
  readonly #byTopic = new Map<string, Neighbour[]>()
  #places = 0

  all(): IterableIterator<SimTransport> {
    return this.#all.keys()
  }

  has(other: SimTransport): boolean {
    return this.#all.has(other)
  }

  connection(other: SimTransport): Connection | undefined {
    return this.#all.get(other)?.connection
  }

  /** The newest connection: an older one may lead to a process that has died. */
  connectionTo(peer: PeerId): Connection | undefined {
    return this.#byPeer.get(peer)?.at(-1)?.connection
  }

  isConnectedTo(machine: string): boolean {
    return this.#byMachine.has(machine)
  }

  /** Those that want the topic, in the order in which they came. */
  subscribers(topic: string): readonly Neighbour[] {
    return this.#byTopic.get(topic) ?? []
  }

  add(other: SimTransport, connection: Connection): void {
    const known = this.#all.get(other)
    if (known !== undefined) {
      known.connection = connection
      return
    }
    const neighbour = { other, connection, place: this.#places++, topics: new Set<string>() }
    this.#all.set(other, neighbour)
    this.#byPeer.set(other.self, [...(this.#byPeer.get(other.self) ?? []), neighbour])
    this.#byMachine.set(other.machine, (this.#byMachine.get(other.machine) ?? 0) + 1)
  }

  remove(other: SimTransport): void {
    const gone = this.#all.get(other)
    if (gone === undefined) return
    for (const topic of [...gone.topics]) this.unsubscribe(other, topic)
    this.#all.delete(other)
    const left = this.#byPeer.get(other.self)?.filter((neighbour) => neighbour !== gone) ?? []
    if (left.length > 0) this.#byPeer.set(other.self, left)
    else this.#byPeer.delete(other.self)
    const count = (this.#byMachine.get(other.machine) ?? 0) - 1
    if (count > 0) this.#byMachine.set(other.machine, count)
    else this.#byMachine.delete(other.machine)
  }

  /** Whether that is news. */
  subscribe(other: SimTransport, topic: string): boolean {
    const neighbour = this.#all.get(other)
    if (neighbour === undefined || neighbour.topics.has(topic)) return false
    neighbour.topics.add(topic)
    const subscribers = this.#byTopic.get(topic) ?? []
    this.#byTopic.set(topic, subscribers)
    subscribers.splice(placeOf(neighbour, subscribers), 0, neighbour)
    return true
  }

  unsubscribe(other: SimTransport, topic: string): void {
    const neighbour = this.#all.get(other)
    const subscribers = this.#byTopic.get(topic)
    if (neighbour === undefined || subscribers === undefined || !neighbour.topics.delete(topic)) return
    subscribers.splice(placeOf(neighbour, subscribers), 1)
  }
}

/** Where it is among them, or belongs. */
function placeOf({ place }: Neighbour, ordered: readonly Neighbour[]): number {
  return placeIn(ordered, (other) => other.place < place)
}
