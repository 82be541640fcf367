// When a mesh in which no peer need hold everything is whole again: what its peers say, put side by side.
import { shardOf } from '../../../crdt/index.ts'
import type { Member, SessionSummary, ShardStatus } from '../../../node/api.ts'
import type { PeerProcess } from '../peer-process.ts'

interface Words {
  readonly name: string
  readonly peer: string
  readonly alive: number
  readonly shards: readonly ShardStatus[]
  /** What it shows of each session that is here: digest and home. */
  readonly shown: ReadonlyMap<string, string>
}

/**
 * Resolves when every peer sees all others alive, and every session is on all of its replicas with equal content and one home,
 * whoever may hold it beside them.
 * @throws Error naming what is not so
 */
export async function assertReplicasEqual(peers: readonly PeerProcess[]): Promise<void> {
  const all = await Promise.all(peers.map(wordsOf))
  for (const { name, alive } of all) {
    if (alive !== peers.length) throw new Error(`${name} sees ${alive} of ${peers.length} alive`)
  }
  const shardCount = all[0]?.shards.length ?? 0
  for (let shard = 0; shard < shardCount; shard++) assertAgreed(all, shard)
  for (const session of new Set(all.flatMap(({ shown }) => [...shown.keys()]))) {
    const replicas = replicasOf(all[0], shardOf(session, shardCount))
    const shown = all.flatMap(({ name, peer, shown: its }) =>
      replicas.includes(peer) ? [[name, its.get(session)]] : [],
    )
    if (new Set(shown.map(([, content]) => content)).size > 1) throw new Error(`${session}: ${JSON.stringify(shown)}`)
  }
}

/** Resolves when, beside that, nobody holds anything but its own. @throws Error naming who does */
export async function assertPlaced(peers: readonly PeerProcess[]): Promise<void> {
  for (const { name, peer, shards } of await Promise.all(peers.map(wordsOf))) {
    const more = shards.filter(({ replicas, state, sessions }) => {
      return !replicas.some((replica) => replica.peer === peer) && (state !== 'none' || sessions > 0)
    })
    if (more.length > 0)
      throw new Error(`${name} still holds ${more.map(({ shard, state }) => `${shard} ${state}`).join()}`)
  }
}

/** All calculate the same replicas, and each of these says that it has the shard. */
function assertAgreed(all: readonly Words[], shard: number): void {
  const sets = new Set(all.map((words) => replicasOf(words, shard).toSorted().join()))
  if (sets.size > 1) throw new Error(`shard ${shard} belongs to different peers`)
  const replicas = replicasOf(all[0], shard)
  for (const { name, peer, shards } of all) {
    const state = shards[shard]?.state
    if (replicas.includes(peer) && state !== 'complete') throw new Error(`${name} has shard ${shard} ${state}`)
  }
}

function replicasOf(words: Words | undefined, shard: number): string[] {
  return words?.shards[shard]?.replicas.map(({ peer }) => peer) ?? []
}

async function wordsOf({ name, peer, client }: PeerProcess): Promise<Words> {
  const [members, shards, sessions] = await Promise.all([
    client.get<Member[]>('/v1/members'),
    client.get<ShardStatus[]>('/v1/replication/shards'),
    client.get<SessionSummary[]>('/v1/sessions?limit=100000'),
  ])
  const alive = members.filter(({ status }) => status === 'alive').length
  return {
    name,
    peer,
    alive,
    shards,
    shown: new Map(sessions.map(({ id, digest, home }) => [id, `${digest} ${home}`])),
  }
}
