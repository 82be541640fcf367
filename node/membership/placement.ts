// Placement: who keeps a shard, and who is home of it. Pure functions of the live members: peers with equal views
// compute equal answers, so nothing is elected and a failover is nothing but a new view.
//
// Weighted rendezvous hashing (Thaler & Ravishankar 1998; the logarithmic weighting is Schindler & Schomaker's):
// each member scores each shard by a hash of both; the best scores keep it. When a member goes, only the shards that
// it kept move.
import type { PeerId } from '../../transport/port.ts'
import type { Ranking } from './rankings.ts'

/** What placement needs to know of a live member. */
export interface Candidate {
  readonly peer: PeerId
  readonly zone: string
  /** Relative share of shards; 0 keeps nothing. */
  readonly weight: number
  /** Takes over the homes of this one while set and alive, and keeps what it keeps. */
  readonly delegate: PeerId | null
  /** Is to become the delegate, and keeps what this one keeps already before that. */
  readonly heir: PeerId | null
  /** Wants to keep nothing and to be home of nothing. */
  readonly draining: boolean
}

export type ReplicationFactor = number | 'all'

/**
 * Those among whom shards are spread: not who drains, unless a delegate stands in for it. When all of them drain, they
 * do as if none did: who goes last must have kept what the others had.
 */
export function participants<Member extends Candidate>(members: readonly Member[]): readonly Member[] {
  const staying = members.filter(({ draining, delegate }) => !draining || delegate !== null)
  return staying.some(({ weight }) => weight > 0) ? staying : members
}

/** A member with what it scores for one shard. */
export interface Claim {
  readonly member: Candidate
  readonly score: number
}

/** Orders claims on one shard, the best first, whatever the order they come in. */
export function byClaim(one: Claim, other: Claim): number {
  return other.score - one.score || (one.member.peer < other.member.peer ? -1 : 1)
}

/**
 * The members that keep the shard, best claim first: the best-ranked of each zone, then the rest by rank, up to the
 * factor; and beyond it whoever one of them has named as delegate or heir.
 */
export function replicasOf(ranking: Ranking, members: readonly Candidate[], factor: ReplicationFactor): PeerId[] {
  const chosen = bestOf(ranking, factor === 'all' ? ranking.claims.length : factor)
  const keepers = new Set(chosen.filter(({ draining }) => !draining).map(({ peer }) => peer))
  for (const member of chosen) {
    keepers.add(followDelegates(member, members))
    const heir = member.heir === null ? undefined : members.find(({ peer }) => peer === member.heir)
    if (heir !== undefined) keepers.add(heir.peer)
  }
  return [...keepers]
}

/** The one home: the pin if alive, else the first in rendezvous order, else its delegate. Undefined without members. */
export function homeOf(
  { claims }: Ranking,
  members: readonly Candidate[],
  pin: string | undefined = undefined,
): PeerId | undefined {
  const pinned = pin === undefined ? undefined : members.find((member) => member.peer === pin)
  const first = pinned ?? claims[0]?.member
  return first === undefined ? undefined : followDelegates(first, members)
}

/** The best-ranked of each zone, then the rest by rank; looks no further down than it must. */
function bestOf({ claims, zoneCount }: Ranking, count: number): Candidate[] {
  const zones = new Set<string>()
  const firsts: Candidate[] = []
  const rest: Candidate[] = []
  for (const { member } of claims) {
    if (firsts.length === count || (zones.size === zoneCount && firsts.length + rest.length >= count)) break
    if (zones.has(member.zone)) rest.push(member)
    else firsts.push(member)
    zones.add(member.zone)
  }
  return [...firsts, ...rest].slice(0, count)
}

/** A delegate may have named one itself; a circle ends where it began, so everyone keeps its own. */
function followDelegates(first: Candidate, members: readonly Candidate[]): PeerId {
  const seen = new Set<string>()
  let current = first
  while (current.delegate !== null && !seen.has(current.peer)) {
    seen.add(current.peer)
    const next = members.find((member) => member.peer === current.delegate)
    if (next === undefined) break
    current = next
  }
  return seen.has(current.peer) ? first.peer : current.peer
}

export function score(shard: number, member: Candidate): number {
  return member.weight / -Math.log(unit(`${shard}/${member.peer}`))
}

/** A hash of `text` in (0, 1): FNV-1a, then a 32-bit finalizer (MurmurHash3's) because FNV's high bits mix badly. */
function unit(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  hash ^= hash >>> 16
  return ((hash >>> 0) + 0.5) / 2 ** 32
}
