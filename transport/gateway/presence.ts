// Awareness (cursors, names) of one room: it lives and dies with the connections that brought it, here or at the peers
// that tell of it.
import { applyAwarenessUpdate, Awareness, encodeAwarenessUpdate, removeAwarenessStates } from 'y-protocols/awareness'
import * as Y from 'yjs'
import { SessionMeshError } from '../../crdt/index.ts'
import { Client } from './client.ts'
import { writeAwareness } from './messages.ts'

/** Awareness ids one client may hold: itself, and other tabs of its browser for which it speaks. */
const IDS_PER_CLIENT_MAX = 256

/** Where users here are told of, and those elsewhere heard of; updates are y-protocols' own. */
export interface PresenceChannel {
  tell(update: Uint8Array): void
  present(): Uint8Array
  close(): void
}

/** Origin of what other peers tell. */
const ELSEWHERE = Symbol('sessionmesh:elsewhere')

interface Change {
  readonly added: number[]
  readonly updated: number[]
  readonly removed: number[]
}

export class Presence {
  readonly #awareness: Awareness
  readonly #owners = new Map<number, Client>()
  /** Ids that each client ever brought: y-protocols remembers them all. */
  readonly #brought = new Map<Client, Set<number>>()
  readonly #broadcast: (bytes: Uint8Array) => void
  readonly #channel: PresenceChannel | undefined

  /** @param broadcast sends to every client of the room */
  constructor(broadcast: (bytes: Uint8Array) => void, share?: (hear: (update: Uint8Array) => void) => PresenceChannel) {
    this.#broadcast = broadcast
    // A document of its own: Awareness would leave a listener on the session's document every time a room closes.
    this.#awareness = new Awareness(new Y.Doc())
    this.#awareness.setLocalState(null)
    this.#awareness.on('update', this.#changed)
    const hear = (update: Uint8Array) => applyAwarenessUpdate(this.#awareness, update, ELSEWHERE)
    this.#channel = share?.(hear)
    if (this.#channel !== undefined) hear(this.#channel.present())
  }

  /** The message that tells of everybody present; undefined if nobody is. */
  all(): Uint8Array | undefined {
    const ids = [...this.#awareness.getStates().keys()]
    return ids.length === 0 ? undefined : writeAwareness(encodeAwarenessUpdate(this.#awareness, ids))
  }

  /** @throws INVALID_MESSAGE when the client speaks for too many */
  receive(client: Client, update: Uint8Array, ids: readonly number[]): void {
    const brought = this.#brought.get(client) ?? new Set()
    this.#brought.set(client, brought)
    for (const id of ids) if (!this.#awareness.meta.has(id)) brought.add(id)
    if (brought.size > IDS_PER_CLIENT_MAX) {
      throw new SessionMeshError('INVALID_MESSAGE', `awareness of more than ${IDS_PER_CLIENT_MAX} clients`)
    }
    applyAwarenessUpdate(this.#awareness, update, client)
    // Who comes from a peer that died was taken away with it, and is not believed to be back unless its clock has moved. A
    // client that hears that it is gone says so at once.
    const gone = ids.filter((id) => this.#awareness.meta.has(id) && !this.#awareness.states.has(id))
    if (gone.length > 0) client.send(writeAwareness(encodeAwarenessUpdate(this.#awareness, gone)))
  }

  leave(client: Client): void {
    this.#brought.delete(client)
    const ids = [...this.#owners].filter(([, owner]) => owner === client).map(([id]) => id)
    removeAwarenessStates(this.#awareness, ids, client)
  }

  close(): void {
    this.#channel?.close()
    this.#awareness.off('update', this.#changed)
    this.#awareness.destroy()
  }

  /** Who spoke last for an id owns it: a client that came back is not to be taken away with its old connection. */
  readonly #changed = ({ added, updated, removed }: Change, origin: unknown): void => {
    const ids = [...added, ...updated, ...removed]
    // Of others, those who tell of them say when they are gone.
    const own = ids.filter((id) => origin instanceof Client || this.#owners.has(id))
    for (const id of [...added, ...updated]) {
      if (origin instanceof Client) this.#owners.set(id, origin)
      else this.#owners.delete(id)
    }
    for (const id of removed) this.#owners.delete(id)
    this.#broadcast(writeAwareness(encodeAwarenessUpdate(this.#awareness, ids)))
    if (origin !== ELSEWHERE && own.length > 0) this.#channel?.tell(encodeAwarenessUpdate(this.#awareness, own))
  }
}
