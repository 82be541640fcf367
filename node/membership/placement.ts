// Placement: who keeps a shard, and who is home of it. Pure functions of the live members: peers with equal views
// compute equal answers, so nothing is elected and a failover is nothing but a new view.
//
// Weighted rendezvous hashing (Thaler & Ravishankar 1998; the logarithmic weighting is Schindler & Schomaker's):
// each member scores each shard by a hash of both; the best scores keep it. When a member goes, only the shards that
// it kept move.
import type { PeerId } from '../../transport/port.ts'

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

/** Members by falling claim on the shard, whatever the order they come in. */
export function rank(shard: number, members: readonly Candidate[]): readonly Candidate[] {
  return members
    .filter((member) => member.weight > 0)
    .map((member) => ({ member, score: score(shard, member) }))
    .toSorted((a, b) => b.score - a.score || (a.member.peer < b.member.peer ? -1 : 1))
    .map(({ member }) => member)
}

/**
 * The members that keep the shard, best claim first: the best-ranked of each zone, then the rest by rank, up to the
 * factor; and beyond it whoever one of them has named as delegate or heir.
 */
export function replicasOf(shard: number, members: readonly Candidate[], factor: ReplicationFactor): PeerId[] {
  const ranked = rank(shard, members)
  const zones = new Set<string>()
  const firsts = ranked.filter(({ zone }) => !zones.has(zone) && zones.add(zone))
  const rest = ranked.filter((member) => !firsts.includes(member))
  const chosen = [...firsts, ...rest].slice(0, factor === 'all' ? ranked.length : factor)
  const keepers = new Set(chosen.filter(({ draining }) => !draining).map(({ peer }) => peer))
  for (const member of chosen) {
    keepers.add(followDelegates(member, members))
    const heir = members.find(({ peer }) => peer === member.heir)
    if (heir !== undefined) keepers.add(heir.peer)
  }
  return [...keepers]
}

/** The one home: the pin if alive, else the first in rendezvous order, else its delegate. Undefined without members. */
export function homeOf(
  shard: number,
  members: readonly Candidate[],
  pin: string | undefined = undefined,
): PeerId | undefined {
  const pinned = pin === undefined ? undefined : members.find((member) => member.peer === pin)
  const first = pinned ?? rank(shard, members)[0]
  return first === undefined ? undefined : followDelegates(first, members)
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

function score(shard: number, member: Candidate): number {
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
