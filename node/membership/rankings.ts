// Members by claim on each shard, as placement.ts ranks them, kept in order from one view to the next: a view in which one
// member has come or gone costs each shard one place, not the ranking of all.
import { placeIn } from '../util/ordered.ts'
import { byClaim, score, type Candidate, type Claim } from './placement.ts'

export interface Ranking {
  readonly claims: readonly Claim[]
  /** Zones of those. */
  readonly zoneCount: number
}

export class Rankings {
  #members: readonly Candidate[] = []
  /** Only of shards that were asked for. */
  readonly #byShard = new Map<number, Claim[]>()
  readonly #zones = new Map<string, number>()

  /** @param members the same array for as long as nothing has changed */
  of(shard: number, members: readonly Candidate[]): Ranking {
    if (members !== this.#members) this.#follow(members)
    return { claims: this.#byShard.get(shard) ?? this.#first(shard), zoneCount: this.#zones.size }
  }

  #first(shard: number): Claim[] {
    const claims = this.#members
      .filter(({ weight }) => weight > 0)
      .map((member) => ({ member, score: score(shard, member) }))
      .toSorted(byClaim)
    this.#byShard.set(shard, claims)
    return claims
  }

  #follow(members: readonly Candidate[]): void {
    const before = this.#members
    this.#members = members
    const shorter = Math.min(before.length, members.length)
    let start = 0
    while (start < shorter && isSame(before[start], members[start])) start++
    let end = 0
    while (end < shorter - start && isSame(before.at(-1 - end), members.at(-1 - end))) end++
    for (const member of before.slice(start, before.length - end)) this.#remove(member)
    for (const member of members.slice(start, members.length - end)) this.#add(member)
  }

  #add(member: Candidate): void {
    if (member.weight <= 0) return
    this.#zones.set(member.zone, (this.#zones.get(member.zone) ?? 0) + 1)
    for (const [shard, claims] of this.#byShard) {
      const claim = { member, score: score(shard, member) }
      claims.splice(placeOf(claim, claims), 0, claim)
    }
  }

  #remove(member: Candidate): void {
    if (member.weight <= 0) return
    const left = (this.#zones.get(member.zone) ?? 0) - 1
    if (left > 0) this.#zones.set(member.zone, left)
    else this.#zones.delete(member.zone)
    for (const [shard, claims] of this.#byShard) {
      claims.splice(placeOf({ member, score: score(shard, member) }, claims), 1)
    }
  }
}

/** Where the claim is among the others, or belongs. */
function placeOf(claim: Claim, ordered: readonly Claim[]): number {
  return placeIn(ordered, (other) => byClaim(other, claim) < 0)
}

function isSame(one: Candidate | undefined, other: Candidate | undefined): boolean {
  return (
    one !== undefined &&
    one.peer === other?.peer &&
    one.zone === other.zone &&
    one.weight === other.weight &&
    one.delegate === other.delegate &&
    one.heir === other.heir &&
    one.draining === other.draining
  )
}
