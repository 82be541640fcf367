// Guarantee 2, the other half: a peer that lives answers, also alone, within a bound, and refuses only for a reason.
import type { Entry } from '../workload/history.ts'
import { MS } from '../world/loop.ts'
import type { CheckerKind, Scene } from './checker.ts'
import { Going } from './going.ts'
import { idleTimeOf } from './lifetime.ts'
import { forgetsDeletions, mayForget } from './tombstones.ts'
import { Troubles } from './trouble.ts'

/** Reads of what is held wait for nothing but the disk. */
const READ_MS = 500
/** Writes wait for copies (`writeTimeoutMs`) … */
const WRITE_MS = 5_000
/** … and whatever is asked about what is not held waits for the replicas (TRANSFER_TIMEOUT_MS). */
const FETCH_MS = 10_000
/** … and who brings a token waits until what it stands for is here, and the last round of asking is over. */
const REACH_MS = 6_500
const SLACK_MS = 1_000

export const availability: CheckerKind = {
  name: 'availability',
  promise: 'A peer that runs, on a disk that works, ends every operation within its bound, even alone.',
  violatedWhen: 'an operation at a peer that is well takes longer than its timeouts, or is refused without cause',
  make: (scene, report) => {
    const troubles = new Troubles(scene)
    const going = new Going()
    const held = new Map<Entry, boolean>()
    return {
      onEvent(event) {
        troubles.onEvent(event)
        going.onEvent(event)
      },
      onRemoving: (machine, session) => going.onRemoving(machine, session),
      onRewritten: (machine, session, cause) => going.onRewritten(machine, session, cause),
      onTick() {
        troubles.onTick()
        for (const entry of held.keys()) look(entry)
      },
      onInvoked(entry) {
        const { machine, operation } = entry
        const doc = scene.shadows.of(machine, operation.session)
        // What a peer has just let go of it has to ask others for, though its disk still has it.
        held.set(entry, doc !== undefined && !going.has(machine, operation.session))
      },
      onEnded(entry) {
        const reason = refusal(scene, entry, held.get(entry) ?? false)
        look(entry)
        if (reason !== '') report(`${entry.operation.tag} at ${entry.machine}: ${reason}`, [entry.machine])
        held.delete(entry)
      },
    }

    function look(entry: Entry): void {
      const { machine, invokedAt, operation } = entry
      const boundMs = bound(entry, held.get(entry) ?? false)
      const tookMs = (scene.world.now - invokedAt) / MS
      if (tookMs <= boundMs) return
      held.delete(entry)
      if (!isAlive(scene, entry) || !troubles.isWell(machine, invokedAt)) return
      report(`${operation.kind} ${operation.tag} at ${machine} takes longer than ${boundMs} ms`, [machine])
    }
  },
}

function bound({ operation, token }: Entry, isHeld: boolean): number {
  const fetchMs = (isHeld ? 0 : FETCH_MS) + (token === undefined ? 0 : REACH_MS)
  // It is two writes: the session, and the value that tells who created it.
  if (operation.kind === 'create') return fetchMs + 2 * WRITE_MS + SLACK_MS
  return operation.kind === 'read' ? fetchMs + READ_MS : fetchMs + WRITE_MS + SLACK_MS
}

function isAlive({ world }: Scene, { machine, incarnation }: Entry): boolean {
  const { isRunning, incarnation: now } = world.machine(machine)
  return isRunning && now === incarnation
}

/** Whether the peer knows of no use within the ttl: it may refuse it a moment before it has ended, or till it learns of one. */
function isOverdue(scene: Scene, { operation, machine }: Entry): boolean {
  const ttlMs = scene.plan.peer.life?.ttlMs ?? 0
  return ttlMs > 0 && idleTimeOf(scene, operation.session, knownTo(machine)) >= ttlMs
}

/** Why a refusal is not right; empty if it is. */
function refusal(scene: Scene, entry: Entry, wasHeld: boolean): string {
  const { history, plan, world } = scene
  const { error, operation } = entry
  switch (error) {
    case '': // it was not refused
    case 'PEER_NOT_RUNNING': // an orderly stop is under way
      return ''
    case 'PEER_RETURNING':
      return forgetsDeletions(plan) ? '' : 'it was not away for long'
    case 'SESSION_NOT_FOUND':
      // A peer forgets and lets go first, and its disk follows; a full one when there is room.
      if (mayForget(scene, entry.machine, operation.session)) return ''
      if (world.machine(entry.machine).disk.hasRefused) return ''
      return wasHeld && !history.isGone(operation.session)
        ? `does not know ${operation.session}, which is on its disk`
        : ''
    case 'SESSION_UNAVAILABLE': {
      if (wasHeld) return `refuses ${operation.session}, which is on its disk`
      return plan.faults.length > 0 ? '' : `can't reach the replicas of ${operation.session}, and nothing is wrong`
    }
    case 'SESSION_BEHIND':
      return plan.faults.length > 0 ? '' : `does not get what ${operation.session} had elsewhere, and nothing is wrong`
    case 'SESSION_TERMINATED':
      if (history.wasTerminated(operation.session) || isOverdue(scene, entry)) return ''
      return `${operation.session} is not terminated`
    case 'STORE_FAILED': {
      const isFaulty = plan.faults.some(({ kind }) => kind === 'full-disk' || kind === 'read-errors' || kind === 'rot')
      return isFaulty ? '' : 'the store fails on a disk that works'
    }
    case 'ILLEGAL_TRANSITION': {
      // It was terminated before, which a full disk has not taken: it is neither terminated nor to be terminated again.
      const isTorn = world.machine(entry.machine).disk.hasRefused && history.wasTerminated(operation.session)
      return isTorn ? '' : `refused with ${error}`
    }
    default:
      return `refused with ${error}`
  }
}

/** Whether the machine made a use of a session, or acknowledged it. */
function knownTo(name: string): (use: Entry) => boolean {
  return ({ machine, copies }) => machine === name || copies.some((copy) => copy.machine === name)
}
