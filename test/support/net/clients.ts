// The clients of a plan, as users of real peers: what the HTTP admin can do is asked there and acknowledged by a receipt;
// lists and texts are edited through the y-websocket gateway, which acknowledges nothing.
import type { Receipt, SessionView } from '../../../node/api.ts'
import type { Operation, Plan } from '../../../sim/plan/plan.ts'
import { change } from '../../../sim/workload/content.ts'
import { errorCode, type Entry, type History } from '../../../sim/workload/history.ts'
import * as Y from 'yjs'
import { after } from '../wait.ts'
import type { NetMesh } from './mesh.ts'
import { visit } from './yjs-door.ts'

/** What a peer may say although it is well: somebody has ended the session, or nobody in reach has it. */
const RIGHT_REFUSALS: ReadonlySet<string> = new Set(['SESSION_TERMINATED', 'SESSION_NOT_FOUND', 'CLOSED_4410'])
const EDITED: ReadonlySet<Operation['kind']> = new Set(['push', 'pull', 'type', 'erase'])
const MS = 1_000

export interface ClientsOptions {
  readonly plan: Plan
  readonly mesh: NetMesh
  readonly history: History
  /** Ms since the beginning. */
  readonly now: () => number
}

export class Clients {
  readonly #options: ClientsOptions
  /** What was refused or failed and should not have been. */
  readonly troubles: string[] = []

  constructor(options: ClientsOptions) {
    this.#options = options
  }

  /** Each client does its operations in order, none before its time; resolves when all have their answers. */
  async run(): Promise<void> {
    const { clients } = this.#options.plan
    await Promise.all(clients.map(({ name, machine }) => this.#runOne(name, machine)))
  }

  async #runOne(client: string, machine: string): Promise<void> {
    const { plan, now } = this.#options
    for (const operation of plan.operations.filter((one) => one.client === client)) {
      await after(Math.max(0, operation.at - now()))
      // As in the simulator: with the chaos the asking is over.
      if (now() >= plan.chaosMs) return
      await this.#do(operation, machine)
    }
  }

  async #do(planned: Operation, machine: string): Promise<void> {
    const { history, now } = this.#options
    const operation = await this.#settled(planned, machine)
    if (operation === undefined) return
    const entry = history.begin(operation, now() * MS)
    entry.machine = machine
    try {
      await (EDITED.has(operation.kind) ? this.#edit(entry) : this.#ask(entry))
    } catch (error) {
      entry.error = errorCode(error)
      if (entry.error === 'SESSION_EXISTS') await this.#existed(entry)
      else {
        entry.outcome = RIGHT_REFUSALS.has(entry.error) ? 'refused' : 'unknown'
        if (entry.outcome === 'refused') entry.isApplied = false
        else this.troubles.push(`${operation.kind} ${operation.tag} at ${machine}: ${String(error)}`)
      }
    }
    entry.endedAt = now() * MS
  }

  /**
   * Whoever edits a session that is not there yet makes it, and a request that got through may have lost its answer: it is
   * looked up whose creation it is. Neither is a fault, nor acknowledged.
   */
  async #existed(entry: Entry): Promise<void> {
    const created = await this.#valueOf(entry.operation, entry.machine).catch(() => undefined)
    entry.isApplied = created === entry.operation.tag
    entry.outcome = entry.isApplied ? 'unknown' : 'refused'
  }

  /** `unset` takes a key that is there; undefined if there is none. */
  async #settled(operation: Operation, machine: string): Promise<Operation | undefined> {
    if (operation.kind !== 'unset') return operation
    const view = await this.#http(machine)
      .get<SessionView>(pathOf(operation))
      .catch(() => undefined)
    const key = Object.keys((view?.data ?? {}) as object).find((one) => one !== 'created')
    return key === undefined ? undefined : { ...operation, key }
  }

  async #ask(entry: Entry): Promise<void> {
    const { operation, machine } = entry
    const { kind, session, tag, key, durability } = operation
    const http = this.#http(machine)
    if (kind === 'read') {
      await http.get(pathOf(operation))
      entry.outcome = 'acked'
      return
    }
    if (kind === 'unset') entry.replaced = await this.#valueOf(operation, machine)
    entry.isApplied = true
    if (kind === 'create')
      this.#acked(entry, await http.post<Receipt>('/v1/sessions', { id: session, data: { [key]: tag }, durability }))
    else if (kind === 'set')
      this.#acked(entry, await http.patch<Receipt>(pathOf(operation), { set: { [key]: tag }, durability }))
    else if (kind === 'unset')
      this.#acked(entry, await http.patch<Receipt>(pathOf(operation), { delete: [key], durability }))
    else if (kind === 'terminate')
      this.#acked(entry, await http.delete<Receipt>(`${pathOf(operation)}?durability=${durability}`))
    else throw new Error(`no client can do ${kind}`)
  }

  async #edit(entry: Entry): Promise<void> {
    const { operation, machine } = entry
    await visit(this.#options.mesh.room(machine, operation.session), (doc) => {
      const before = Y.getState(doc.store, doc.clientID)
      entry.replaced = change(doc, operation)
      entry.isApplied = true
      const clock = Y.getState(doc.store, doc.clientID)
      entry.wrote = clock > before ? { client: doc.clientID, clock } : undefined
    })
    entry.outcome = 'unknown'
  }

  #acked(entry: Entry, receipt: Receipt): void {
    const { peers } = this.#options.mesh
    entry.outcome = 'acked'
    entry.receipt = receipt
    entry.copies = [...peers.values()].flatMap(({ name, peer }) =>
      receipt.peers.includes(peer) ? [{ machine: name, generation: 0 }] : [],
    )
  }

  async #valueOf(operation: Operation, machine: string): Promise<string | undefined> {
    const { data } = await this.#http(machine).get<SessionView>(pathOf(operation))
    const value = (data as Readonly<Record<string, unknown>>)[operation.key]
    return typeof value === 'string' ? value : undefined
  }

  #http(machine: string) {
    return this.#options.mesh.peer(machine).client
  }
}

function pathOf({ session }: Operation): string {
  return `/v1/sessions/${encodeURIComponent(session)}`
}
