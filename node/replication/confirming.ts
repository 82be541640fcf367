// Making sure that who is to keep sessions has all that is known of them: what a session needs whose home has died. Where
// this peer is to keep them, every other that has the whole shard is compared with, and what it has more is taken in;
// elsewhere, what is here is proved to be on the disk of who is to keep them.
import { isUnreachable } from '../../crdt/errors.ts'
import type { PeerId } from '../../transport/port.ts'
import type { Membership } from '../membership/membership.ts'
import { whileAlive } from '../membership/while-alive.ts'
import type { Entry } from '../sessions/entry.ts'
import { checkSessions } from './check.ts'
import type { ExchangeOptions } from './exchange-server.ts'
import type { Following } from './following.ts'
import { isWhole } from './holdings.ts'

/** Shards compared at the same time. */
const SHARDS_AT_ONCE = 4

export interface ConfirmingOptions {
  readonly exchange: ExchangeOptions
  readonly membership: Membership
  readonly following: Following
  readonly onError: (error: unknown) => void
}

export interface Confirming {
  readonly homeOf: (entry: Entry) => PeerId
  /** Told of sessions as they are confirmed. */
  readonly onConfirmed: (entries: readonly Entry[]) => void
}

/** Why a session is not confirmed. */
export interface Unconfirmed {
  readonly reason: string
  /** Whether somebody was asked in vain, who might be asked in vain again. */
  readonly wasAsked: boolean
}

interface Group {
  readonly shard: number
  /** Home of the sessions if it is to keep the shard, else the first who is. */
  readonly keeper: PeerId
  readonly entries: Entry[]
}

/** Resolves when all have been tried once, with the reason for each that could not be confirmed. */
export async function confirmSessions(
  options: ConfirmingOptions,
  entries: readonly Entry[],
  { homeOf, onConfirmed }: Confirming,
): Promise<ReadonlyMap<Entry, Unconfirmed>> {
  const left = new Map<Entry, Unconfirmed>()
  const groups = groupsOf(options, entries, homeOf)
  const confirm = async (group: Group) => {
    for (const [entry, why] of await refusals(options, group)) left.set(entry, why)
    onConfirmed(group.entries.filter((entry) => !left.has(entry)))
  }
  for (let at = 0; at < groups.length; at += SHARDS_AT_ONCE) {
    await Promise.all(groups.slice(at, at + SHARDS_AT_ONCE).map(confirm))
  }
  return left
}

function groupsOf(
  { exchange }: ConfirmingOptions,
  entries: readonly Entry[],
  homeOf: (entry: Entry) => PeerId,
): Group[] {
  const groups = new Map<string, Group>()
  for (const entry of entries) {
    const { shard } = entry
    const home = homeOf(entry)
    const { all } = exchange.sets.of(shard)
    const keeper = all.includes(home) ? home : (all[0] ?? home)
    const group = groups.get(`${shard} ${keeper}`) ?? { shard, keeper, entries: [] }
    groups.set(`${shard} ${keeper}`, group)
    group.entries.push(entry)
  }
  return [...groups.values()]
}

/** Those that are not confirmed, and why. */
async function refusals(
  options: ConfirmingOptions,
  { shard, keeper, entries }: Group,
): Promise<Map<Entry, Unconfirmed>> {
  const { exchange, membership, following, onError } = options
  const nameOf = (peer: PeerId) => membership.get(peer)?.info.name ?? peer
  const allFor = (reason: string, wasAsked: boolean) => new Map(entries.map((entry) => [entry, { reason, wasAsked }]))
  const isOwn = membership.isSelf(keeper)
  if (isOwn && !exchange.holdings.isCurrent(shard)) return allFor('this peer is still getting it', false)
  const whole = exchange.sets.holders(shard).filter(({ state }) => isWhole(state))
  const witnesses = whole.map(({ peer }) => peer).filter((peer) => isOwn || peer === keeper)
  if (!isOwn && witnesses.length === 0)
    return allFor(`${nameOf(keeper)}, who is to keep it, is still getting it`, false)
  const refused = new Map<Entry, Unconfirmed>()
  const wants = (session: string) => exchange.holdings.replicates(shard) || following.isFollowed(session)
  for (const peer of witnesses) {
    const left = entries.filter((entry) => !refused.has(entry))
    try {
      // Everything else that is orphaned waits for this answer.
      const checking = checkSessions(exchange, { peer, shard, entries: left, wants })
      const { confirmed, keeps } = await whileAlive(membership, peer, checking)
      const isPromised = isOwn || keeps
      for (const entry of left) {
        if (isPromised && confirmed.has(entry.id)) continue
        const what = isPromised ? "can't take in all of it" : 'does not know yet that it is to keep it'
        refused.set(entry, { reason: `${nameOf(peer)} ${what}`, wasAsked: true })
      }
    } catch (error) {
      // Who can't be reached is membership's business; the next attempt may find another.
      if (!isUnreachable(error)) onError(error)
      return allFor(`${nameOf(peer)} does not answer`, true)
    }
  }
  exchange.inbox.retry()
  return refused
}
