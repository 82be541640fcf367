// Snapshots taken and restored while everything else goes on, as a schedule or an operator does. All machines share one
// place for them, as with a bucket: what is there outlives any disk.
import { hasCode } from '../../crdt/errors.ts'
import type { MeshPeer } from '../../node/peer.ts'
import type { Machine } from '../world/machine.ts'
import type { World } from '../world/world.ts'

type Deed = 'snapshot' | 'restore'

/** Told in the trace with each deed, before the id of the snapshot; the event's number tells deeds apart. */
export const BEGUN = 'begun'
export const DONE = 'done'

export class Backups {
  readonly #world: World
  #deeds = 0

  constructor(world: World) {
    this.#world = world
  }

  /** Takes a snapshot of what the machine's peer holds: an increment, if it can be one. */
  snapshot(machine: Machine): void {
    this.#do('snapshot', machine, async ({ snapshots }) => {
      const { id } = await snapshots.create({ kind: 'auto' })
      await snapshots.persist(id)
      return id
    })
  }

  /** Restores, at the machine's peer, the snapshot of any peer that `back` others are younger than; else the oldest. */
  restore(machine: Machine, back: number): void {
    this.#do('restore', machine, async ({ snapshots }) => {
      const all = (await snapshots.list()).filter(({ kind }) => kind !== 'aside')
      const chosen = all[Math.min(back, all.length - 1)]
      if (chosen === undefined) return undefined
      await snapshots.restore(chosen.id)
      return chosen.id
    })
  }

  /** At a peer that is down nothing is done: nobody can ask it. */
  #do(deed: Deed, machine: Machine, perform: (peer: MeshPeer) => Promise<string | undefined>): void {
    const { peer, process, isFrozen } = machine
    if (peer === undefined || process === undefined || isFrozen) return
    const number = ++this.#deeds
    const tell = (id: string, detail: string) =>
      this.#world.trace.add(this.#world.now, machine.name, deed, id, detail, number)
    tell('', BEGUN)
    process
      .inside(() => perform(peer))
      .then(
        (id) => {
          if (id !== undefined && process.isAlive && machine.process === process) tell(id, DONE)
        },
        (error: unknown) => {
          // A disk that fails, or a peer that stops meanwhile, says so.
          if (process.isAlive && !hasCode(error, 'STORE_FAILED') && !hasCode(error, 'PEER_NOT_RUNNING')) {
            this.#world.uncaught(error)
          }
        },
      )
  }
}
