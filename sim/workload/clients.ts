// Clients: each does its operations one after the other at the peer it sticks to, and moves to another when that one
// dies. A client sits next to its peer (no latency between them): a delay there would hide what the mesh does wrong.
import type * as Y from 'yjs'
import type { OwnCode } from '../scenarios/own-code.ts'
import type { Operation, Plan, PlannedClient } from '../plan/plan.ts'
import { MS, SECOND, type Micros } from '../world/loop.ts'
import type { Machine } from '../world/machine.ts'
import { micros } from '../world/process.ts'
import type { World } from '../world/world.ts'
import { perform } from './content.ts'
import { errorCode, type Copy, type Entry, type History } from './history.ts'

/** A client that finds no peer looks again after this. */
const LOOK_AGAIN: Micros = 250 * MS
/** How long a client waits for an answer before it gives up not knowing. */
const PATIENCE: Micros = 20 * SECOND

/** Errors that say that nothing was changed. */
export const NOTHING_DONE: ReadonlySet<string> = new Set([
  'SESSION_NOT_FOUND',
  'SESSION_TERMINATED',
  'SESSION_BEHIND',
  'PEER_RETURNING',
])

/** Ends the tags of operations that are tried again. */
const AGAIN = '+'

export interface ClientListener {
  /** A client asks a peer for something. */
  onInvoked?(entry: Entry): void
  /** The peer has acknowledged an operation, this very moment. */
  onAck?(entry: Entry): void
  /** The client is told how it ended, or gives up. */
  onEnded?(entry: Entry): void
  /** The peer has made the change to its document; nothing is promised yet. */
  onApplied?(entry: Entry): void
}

export class Clients {
  readonly #world: World
  readonly #history: History
  readonly #listeners: readonly ClientListener[]
  readonly #own: OwnCode | undefined
  readonly #clients = new Map<string, Client>()
  #isOver = false

  constructor(world: World, history: History, listeners: readonly ClientListener[], own: OwnCode | undefined) {
    this.#world = world
    this.#history = history
    this.#listeners = listeners
    this.#own = own
  }

  plan({ clients, operations }: Plan): void {
    for (const client of clients) this.#clients.set(client.name, makeClient(client))
    for (const operation of operations) {
      const client = this.#client(operation.client)
      this.#world.loop.schedule(micros(operation.at), () => {
        if (this.#isOver) return
        client.queue.push(operation)
        this.#next(client)
      })
    }
  }

  /** No new operation begins from now on; those under way go on. */
  stop(): void {
    this.#isOver = true
  }

  get isIdle(): boolean {
    return [...this.#clients.values()].every(({ isBusy }) => !isBusy)
  }

  /** @throws Error for a name that no client has: a mistake in the plan */
  #client(name: string): Client {
    const client = this.#clients.get(name)
    if (client === undefined) throw new Error(`there is no client ${name}`)
    return client
  }

  #next(client: Client): void {
    if (client.isBusy || this.#isOver) return
    const operation = client.queue[0]
    if (operation === undefined) return
    client.isBusy = true
    if (client.roams) client.machine = this.#anywhere(operation)
    const machine = this.#peerFor(client)
    if (machine === undefined) {
      this.#world.loop.schedule(this.#world.now + LOOK_AGAIN, () => this.#freed(client))
      return
    }
    client.queue.shift()
    this.#do(client, machine, operation)
  }

  #anywhere({ tag }: Operation): string {
    return this.#world.dice.fork(`roam/${tag}`).pick([...this.#world.machines.keys()])
  }

  /** The machine that the client sticks to, or the next one that answers. */
  #peerFor(client: Client): Machine | undefined {
    const own = this.#world.machine(client.machine)
    if (own.peer !== undefined && !own.isFrozen) return own
    const names = [...this.#world.machines.keys()]
    const from = names.indexOf(client.machine)
    for (let step = 1; step < names.length; step++) {
      const machine = this.#world.machine(names[(from + step) % names.length] ?? '')
      if (machine.peer === undefined || machine.isFrozen) continue
      client.machine = machine.name
      return machine
    }
    return undefined
  }

  #do(client: Client, machine: Machine, operation: Operation): void {
    const { peer, process } = machine
    if (peer === undefined || process === undefined) return
    const { trace } = this.#world
    const entry = this.#history.begin(operation, this.#world.now)
    entry.machine = machine.name
    entry.incarnation = machine.incarnation
    entry.token = client.tokens.get(operation.session)
    trace.add(this.#world.now, machine.name, 'invoke', operation.session, `${operation.kind} ${operation.tag}`)
    for (const listener of this.#listeners) listener.onInvoked?.(entry)
    const end = (outcome: Entry['outcome']) => {
      if (entry.outcome !== 'pending') return
      entry.outcome = outcome
      entry.endedAt = this.#world.now
      trace.add(
        this.#world.now,
        machine.name,
        'ack',
        operation.session,
        `${operation.tag} ${outcome}`,
        entry.copies.length,
      )
      if (outcome === 'acked') for (const listener of this.#listeners) listener.onAck?.(entry)
      for (const listener of this.#listeners) listener.onEnded?.(entry)
      this.#freed(client)
    }
    const onApplied = () => {
      for (const listener of this.#listeners) listener.onApplied?.(entry)
    }
    const performed = process.inside(() => perform(peer, entry, onApplied, (doc) => this.#callOwn(doc, entry)))
    performed.then(
      (receipt) => {
        // An answer of a process that died in this very moment never left it.
        if (!process.isAlive) return
        entry.receipt = receipt
        if (client.roams) client.tokens.set(operation.session, receipt.token)
        entry.copies = receipt.peers.flatMap((id) => this.#copy(id, operation.session))
        end('acked')
      },
      (error: unknown) => {
        entry.error = errorCode(error)
        if (NOTHING_DONE.has(entry.error)) entry.isApplied = false
        if (process.isAlive) end(entry.isApplied ? 'unknown' : 'refused')
      },
    )
    this.#watch(client, entry, machine, end)
  }

  /** Calls the function that the scenario brought along for this operation. */
  #callOwn(doc: Y.Doc, entry: Entry): void {
    const { key, tag, client, session } = entry.operation
    const operation = this.#own?.operations[key]
    if (operation === undefined)
      throw new Error(`there is no function ${key}: the plan needs the scenario it came from`)
    try {
      entry.returned = operation(doc, { tag, client, session, dice: this.#world.dice.fork(`call/${tag}`) })
    } catch (error) {
      entry.thrown = error
    }
  }

  /** Ends the wait of a client whose peer has died, or has said nothing for too long. */
  #watch(client: Client, entry: Entry, machine: Machine, end: (outcome: Entry['outcome']) => void): void {
    const { process } = machine
    const deadline = this.#world.now + PATIENCE
    const look = () => {
      if (entry.outcome !== 'pending') return
      if (process?.isAlive !== true) this.#retry(client, entry)
      if (process?.isAlive !== true || this.#world.now >= deadline) end('unknown')
      else this.#world.loop.schedule(this.#world.now + LOOK_AGAIN, look)
    }
    this.#world.loop.schedule(this.#world.now + LOOK_AGAIN, look)
  }

  /** What the death of a peer left open is tried again at the next, once, as something new: both may have happened. */
  #retry(client: Client, { operation }: Entry): void {
    if (operation.tag.endsWith(AGAIN)) return
    client.queue.unshift({ ...operation, tag: operation.tag + AGAIN })
  }

  #freed(client: Client): void {
    client.isBusy = false
    this.#next(client)
  }

  #copy(peerId: string, session: string): Copy[] {
    for (const { name, peerIds, lastPeerId, disk, wasSplit } of this.#world.machines.values()) {
      if (!peerIds.has(peerId)) continue
      const isKept = peerId === lastPeerId && !wasSplit && !disk.isDamaged(session)
      return [{ machine: name, generation: isKept ? disk.generationOf(session) : undefined }]
    }
    return []
  }
}

interface Client {
  readonly name: string
  readonly queue: Operation[]
  isBusy: boolean
  /** The machine that it sticks to. */
  machine: string
  readonly roams: boolean
  /** Of its last answer about each session. */
  readonly tokens: Map<string, string>
}

function makeClient({ name, machine, roams = false }: PlannedClient): Client {
  return { name, queue: [], isBusy: false, machine, roams, tokens: new Map() }
}
