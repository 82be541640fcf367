// Who should hold what at the end, and whether it has come to that.
import * as Y from 'yjs'
import { shardOf } from '../../crdt/index.ts'
import { fingerprint, isTerminated } from './document.ts'
import type { EndMachine, EndScene } from './end-scene.ts'
import { hasPending } from './shadows.ts'

/** Sessions on any disk of the core, in order. */
export function sessionsOf({ plan, world, history }: EndScene): string[] {
  const sessions = new Set(plan.core.flatMap((name) => world.machine(name).disk.sessions()))
  // Who has forgotten a tombstone first is told from the others for a while.
  return [...sessions].filter((session) => !history.forgotten.has(session)).toSorted()
}

/** Machines of the core that must hold the session once it has converged: those that say that they keep its shard. */
export function holdersOf({ plan, world }: EndScene, session: string): readonly string[] {
  const shard = shardOf(session, plan.peer.shardCount)
  return plan.core.filter((name) => world.machine(name).peer?.replication.shards()[shard]?.state === 'complete')
}

/** Machines, of all, whose peers say that they keep its shard as a whole, or are on the way to that or from it. */
export function keepersOf({ plan, world }: EndScene, session: string): readonly string[] {
  const shard = shardOf(session, plan.peer.shardCount)
  return [...world.machines.values()].flatMap(({ name, peer }) => {
    const state = peer?.replication.shards()[shard]?.state ?? 'none'
    return state === 'none' || state === 'partial' ? [] : [name]
  })
}

/** Whether every peer of the core is up, sees all others alive, and every session is where it should be, equally. */
export function isConverged(scene: EndScene): boolean {
  return strangers(scene).length === 0 && areEqual(scene) && mortals(scene).length === 0 && isTakenUp(scene)
}

/** Whether nobody of the core is still taking up a shard that has sessions: until then it shows what others say. */
function isTakenUp(scene: EndScene): boolean {
  const { plan, world } = scene
  const shards = new Set(sessionsOf(scene).map((session) => shardOf(session, plan.peer.shardCount)))
  return plan.core.every((name) => {
    const states = world.machine(name).peer?.replication.shards() ?? []
    return [...shards].every((shard) => states[shard]?.state !== 'acquiring')
  })
}

/** Sessions that are still to end by themselves: nobody touches them any more, so they will. */
export function mortals(scene: EndScene): string[] {
  if ((scene.plan.peer.life?.ttlMs ?? 0) === 0) return []
  return sessionsOf(scene).filter((session) => {
    const doc = holdersOf(scene, session).map((name) => scene.shadows.of(name, session))[0]
    return doc !== undefined && !isTerminated(doc)
  })
}

/**
 * Members of the core that are down, or that another of them does not see alive; in words.
 * @param isSuspectSeen whether a suspect counts: where gossip is lost, anyone may be one for a moment
 */
export function strangers({ plan, world }: EndScene, isSuspectSeen = false): string[] {
  return plan.core.flatMap((name) => {
    const { peer } = world.machine(name)
    if (peer === undefined) return [`${name} is down`]
    const isSeen = (status: string) => status === 'alive' || (isSuspectSeen && status === 'suspect')
    const alive = new Set(peer.members().flatMap((member) => (isSeen(member.status) ? [member.name] : [])))
    return plan.core.filter((other) => !alive.has(other)).map((other) => `${name} does not see ${other} alive`)
  })
}

/** Sessions that are not equal on all disks that should hold them, or are on others; in words. */
export function differences(scene: EndScene): string[] {
  return sessionsOf(scene).flatMap((session) => {
    const fault = faultOf(scene, session)
    return fault === undefined ? [] : [`${session}: ${fault}`]
  })
}

/** Whether there are none. */
export function areEqual(scene: EndScene): boolean {
  return sessionsOf(scene).every((session) => faultOf(scene, session) === undefined)
}

function faultOf(scene: EndScene, session: string): string | undefined {
  return misplaced(scene, session) ?? unequal(scene, session) ?? lacking(scene, session)
}

/** Whether every session is where it should be, and nowhere else in the core. */
export function isPlaced(scene: EndScene): boolean {
  return sessionsOf(scene).every((session) => misplaced(scene, session) === undefined)
}

/** Where the core agrees on the replicas, they and nobody else must hold the session. */
function misplaced(scene: EndScene, session: string): string | undefined {
  const views = viewsOf(scene, session)
  const nobody = [...views].find(([, replicas]) => replicas.some((name) => !scene.world.machines.has(name)))
  if (nobody !== undefined) return `${nobody[0]} still counts on somebody of before`
  const calculated = agreed(scene, [...views.values()])
  if (calculated === undefined) return undefined
  const { plan, world, shadows } = scene
  const held = plan.core.filter((name) => world.machine(name).disk.stored(session) !== undefined)
  // What a disk has lost all of, or what waits for something lost for ever, can't be brought to where it should be, nor be
  // shown to be anywhere else.
  const docs = held.map((name) => shadows.of(name, session))
  if (docs.some((doc) => doc === undefined || hasPending(doc))) return undefined
  const [should, says, does] = [calculated, holdersOf(scene, session), held].map((names) => names.toSorted().join(' '))
  if (should === says && should === does) return undefined
  return `should be on ${should}; kept by ${says}; on the disks of ${does}`
}

/** Names of the replicas that each peer of the core calculates; a peer id where no machine goes by it now. */
function viewsOf({ plan, world }: EndScene, session: string): Map<string, readonly string[]> {
  const shard = shardOf(session, plan.peer.shardCount)
  // A first process runs on beside a second, and may be the only one that has not lost its key with the disk.
  const idsOf = ({ hasTwin, peerIds, lastPeerId }: EndMachine) => (hasTwin ? [...peerIds] : [lastPeerId])
  const machines = [...world.machines.values()]
  const names = new Map(machines.flatMap((machine) => idsOf(machine).map((id) => [id, machine.name])))
  return new Map(
    plan.core.map((name) => {
      const replicas = world.machine(name).peer?.replication.shards()[shard]?.replicas ?? []
      return [name, replicas.map(({ peer }) => names.get(peer) ?? peer)]
    }),
  )
}

/** The replicas, if all calculate the same, and only machines of the core. */
function agreed({ plan }: EndScene, views: readonly (readonly string[])[]): readonly string[] | undefined {
  const [first] = views
  if (first === undefined || new Set(views.map((view) => view.toSorted().join(' '))).size > 1) return undefined
  return first.every((name) => plan.core.includes(name)) ? first : undefined
}

function unequal(scene: EndScene, session: string): string | undefined {
  const machines = holdersOf(scene, session)
  const digests = machines.map((name) => scene.shadows.digest(name, session) ?? 'nothing')
  if (new Set(digests).size <= 1) return undefined
  return machines.map((name, index) => `${name} ${digests[index]?.slice(0, 8)}`).join(', ')
}

/** What is left elsewhere in the core, for want of a replica that answers, must be on those that keep it, too. */
function lacking(scene: EndScene, session: string): string | undefined {
  const holders = holdersOf(scene, session)
  const [holder] = holders
  const kept = holder === undefined ? undefined : scene.shadows.of(holder, session)
  if (holder === undefined || kept === undefined) return undefined
  for (const name of scene.plan.core) {
    const stray = holders.includes(name) ? undefined : scene.shadows.of(name, session)
    if (stray === undefined) continue
    const both = new Y.Doc({ guid: 'both' })
    for (const doc of [kept, stray]) Y.applyUpdate(both, Y.encodeStateAsUpdate(doc))
    if (fingerprint(both) !== scene.shadows.digest(holder, session)) return `${name} has what ${holder} has not`
  }
  return undefined
}
