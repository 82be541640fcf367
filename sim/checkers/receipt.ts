// Guarantee 1: what a receipt says of itself. `degraded` is an excuse that must be true.
import type { Member, Receipt } from '../../node/api.ts'
import type { MeshPeer } from '../../node/peer.ts'
import type { Entry } from '../workload/history.ts'
import { MS, type Micros } from '../world/loop.ts'
import type { CheckerKind, Scene } from './checker.ts'
import { living, replicasMin } from './keepers.ts'

/** Peers wait so long for copies (`writeTimeoutMs`), less what a drifting clock may take off. */
const WAIT_MIN_MS = 4_500

export const receipt: CheckerKind = {
  name: 'receipt',
  promise: 'A receipt says `degraded` exactly when there are fewer copies than asked for, and why that is.',
  violatedWhen:
    'a receipt has fewer copies than asked for and does not say so, is degraded early although enough replicas live, names a peer twice, or one that the writer holds dead',
  make: (scene, report) => {
    /** When a machine's view of a member, by name, last changed. */
    const changedAt = new Map<string, Micros>()
    return {
      onEvent({ at, kind, machine, subject }) {
        if (kind === 'member') changedAt.set(`${machine} ${subject}`, at)
      },
      onAck(entry) {
        const { receipt, operation } = entry
        const { peer, incarnation } = scene.world.machine(entry.machine)
        // A process that has a twin by now has a view of its own, which nobody can ask for.
        if (receipt === undefined || peer === undefined || incarnation !== entry.incarnation) return
        // A touch need not be written down.
        if (operation.kind === 'read' || operation.kind === 'touch') return
        // An acknowledgement and a farewell may come in one segment: the receipt is of the moment between the two.
        const wasThere = ({ name }: Member) => changedAt.get(`${entry.machine} ${name}`) === scene.world.now
        const fault = faultOf(scene, entry, receipt, peer, wasThere)
        if (fault !== '') report(`${operation.tag}, durability ${operation.durability}: ${fault}`, [entry.machine])
      },
    }
  },
}

function faultOf(
  scene: Scene,
  entry: Entry,
  receipt: Receipt,
  peer: MeshPeer,
  wasThere: (member: Member) => boolean,
): string {
  const { peers, copies, degraded } = receipt
  const { operation } = entry
  if (new Set(peers).size !== peers.length || copies !== peers.length) return `${copies} copies on ${peers.join(', ')}`
  const members = peer.members()
  const alive = living(members)
  const dead = peers.find((id) => ![...alive, ...members.filter(wasThere)].some((member) => member.peer === id))
  if (dead !== undefined) return `it names ${dead}, which is not alive in the view of ${entry.machine}`
  const factor = scene.plan.peer.replicationFactor
  const replicas = replicasMin(members, factor)
  const least = copiesWanted(entry, replicas)
  if (!degraded) return copies < least ? `${copies} of ${least} copies, and not degraded` : ''
  // A view that asks for more replicas than the plan (another peer's setting) wants more copies.
  const most = copiesWanted(entry, alive.length)
  // The copy of a peer that is no replica itself does not count towards `quorum` and `all`.
  const isCounted = factor === 'all' || typeof operation.durability === 'number'
  if (copies >= most && isCounted) return `degraded with ${copies} of ${most} copies`
  const waitedMs = (scene.world.now - entry.invokedAt) / MS
  if (waitedMs >= WAIT_MIN_MS || replicas < most) return ''
  return `degraded after ${waitedMs} ms with ${copies} of ${most} copies, though ${replicas} peers are to keep it`
}

/** Disks that it waits for. `quorum` and `all` are of the replicas that live, as the writer sees it. */
function copiesWanted({ operation }: Entry, replicas: number): number {
  const { durability } = operation
  if (durability === 'memory') return 0
  if (durability === 'local') return 1
  if (typeof durability === 'number') return durability
  return durability === 'all' ? replicas : Math.floor(replicas / 2) + 1
}
