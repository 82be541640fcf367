// The rooms that are open: made when the first client comes, closed when the last has gone, also when clients come
// and go while the session is still being opened.
import type { Client } from './client.ts'
import { Room, type GatewaySession } from './room.ts'

interface Slot {
  readonly room: Promise<Room>
  /** Clients in the room or waiting for it. */
  clients: number
}

export class Rooms {
  readonly #open: (session: string) => Promise<GatewaySession>
  readonly #updateBytesMax: number
  readonly #slots = new Map<string, Slot>()
  readonly #ready = new Set<Room>()

  constructor(open: (session: string) => Promise<GatewaySession>, updateBytesMax: number) {
    this.#open = open
    this.#updateBytesMax = updateBytesMax
  }

  /**
   * The room of the session, with the client in it until `left`.
   * @throws whatever opening the session throws
   */
  async enter(id: string, client: Client, left: Promise<void>): Promise<Room> {
    const slot = this.#slots.get(id) ?? { room: this.#make(id), clients: 0 }
    this.#slots.set(id, slot)
    slot.clients++
    void left.then(() => this.#leave(id, slot, client))
    try {
      const room = await slot.room
      if (client.open) room.join(client)
      return room
    } catch (error) {
      // The next client is to try anew.
      if (this.#slots.get(id) === slot) this.#slots.delete(id)
      throw error
    }
  }

  beat(): void {
    for (const room of this.#ready) room.beat()
  }

  async #make(id: string): Promise<Room> {
    const room = new Room(await this.#open(id), this.#updateBytesMax)
    this.#ready.add(room)
    return room
  }

  async #leave(id: string, slot: Slot, client: Client): Promise<void> {
    slot.clients--
    const last = slot.clients === 0
    if (last && this.#slots.get(id) === slot) this.#slots.delete(id)
    const room = await slot.room.catch(() => undefined) // who waits for it was told
    if (room === undefined) return
    room.leave(client)
    if (!last) return
    this.#ready.delete(room)
    room.close()
  }
}
