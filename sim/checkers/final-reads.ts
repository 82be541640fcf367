// What the peers of the converged core answer when each is asked for everything: the session as it is served, not as it
// lies on the disk.
import type { SessionView } from '../../node/api.ts'
import type { MeshPeer } from '../../node/peer.ts'
import { errorCode } from '../workload/history.ts'
import type { Scene } from './checker.ts'
import { isTerminated } from './document.ts'

/** One peer's answer for one session. */
export interface FinalRead {
  readonly machine: string
  readonly session: string
  /** Undefined if it was refused. */
  readonly view: SessionView | undefined
  /** Code of the refusal; empty without one. */
  readonly error: string
  /** Whether its disk had the session terminated when it answered. */
  readonly hasHeard: boolean
}

/** One peer's word on what its log gives. */
export interface FinalRebuild {
  readonly machine: string
  readonly session: string
  /** Digests of the live document and of the one from the log. */
  readonly live: string
  readonly fromLog: string
  /** Code of the refusal; empty without one. */
  readonly error: string
}

export class FinalReads {
  readonly reads: FinalRead[] = []
  /** Of every session that a peer holds. */
  readonly rebuilt: FinalRebuild[] = []
  /** `contentHash` of each peer. */
  readonly hashes = new Map<string, { readonly sessions: number; readonly hash: string }>()
  #waiting = 0

  /** Begins to ask: the answers come as the world goes on. */
  ask(scene: Scene, sessions: readonly string[]): void {
    const { plan, world } = scene
    for (const machine of plan.core) {
      const { peer, process } = world.machine(machine)
      if (peer === undefined || process === undefined) continue
      this.#waiting++
      const read = process.inside(() => this.#readAll(scene, machine, peer, sessions))
      void read.finally(() => this.#waiting--)
    }
  }

  get areDone(): boolean {
    return this.#waiting === 0
  }

  of(session: string): readonly FinalRead[] {
    return this.reads.filter((read) => read.session === session)
  }

  async #readAll(scene: Scene, machine: string, peer: MeshPeer, sessions: readonly string[]): Promise<void> {
    for (const session of sessions) {
      const answer = await peer.sessions.get(session).then(
        (view) => ({ view, error: '' }),
        (error: unknown) => ({ view: undefined, error: errorCode(error) }),
      )
      const doc = scene.shadows.of(machine, session)
      this.reads.push({ machine, session, ...answer, hasHeard: doc !== undefined && isTerminated(doc) })
    }
    this.hashes.set(machine, await peer.sessions.contentHash())
    for (const session of sessions) await this.#rebuild(machine, peer, session)
  }

  async #rebuild(machine: string, { reconstruction }: MeshPeer, session: string): Promise<void> {
    try {
      const { live } = await reconstruction.verify(session)
      const { digest } = await reconstruction.rebuildFromLog(session)
      this.rebuilt.push({ machine, session, live, fromLog: digest, error: '' })
    } catch (error) {
      const code = errorCode(error)
      if (code !== 'SESSION_NOT_FOUND') this.rebuilt.push({ machine, session, live: '', fromLog: '', error: code })
    }
  }
}
