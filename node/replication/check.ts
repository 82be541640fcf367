// Comparing sessions of one shard with a peer one by one: what a peer does that does not hold the shard as a whole.
import { DIGEST_BYTES } from '../../crdt/index.ts'
import type { PeerId } from '../../transport/port.ts'
import { CheckRequest, CheckResponse } from '../../transport/wire/messages.js'
import type { Entry } from '../sessions/entry.ts'
import { CHECK, type ExchangeOptions } from './exchange-server.ts'
import { ask, newSwap, push, swapAll, type Swap } from './swap.ts'

/** Sessions compared in one request. */
const CHECK_SESSIONS_MAX = 2_048
/** From so many sessions on it pays to compare roots first. */
const ROOT_FIRST_MIN = 16

export interface CheckOptions {
  readonly peer: PeerId
  readonly shard: number
  readonly entries: readonly Entry[]
  /** Of which of them news is taken in: what others wrote is no reason to keep what is to be let go. */
  readonly wants: (session: string) => boolean
}

export interface Checked {
  /** Sessions of which the peer's disk now holds all that was here. */
  readonly confirmed: ReadonlySet<string>
  /** Sessions of which it can't take in something: that rests on what one of the two has lost, or never had. */
  readonly refused: ReadonlySet<string>
  /** The peer calculates itself as a replica of the shard and keeps what it has. */
  readonly keeps: boolean
  readonly boot: string
}

/** @throws SessionMeshError PEER_UNREACHABLE, REQUEST_TIMEOUT */
export async function checkSessions(options: ExchangeOptions, check: CheckOptions): Promise<Checked> {
  const { catalog, ledger, boot } = options
  const { peer, shard, wants } = check
  const mine = { boot, shard, from: ledger.heldFrom(shard), seq: ledger.last(shard) }
  const isAll = check.entries.length === catalog.entriesOf(shard).size
  await catalog.settle(new Set([shard]))
  const sessions = check.entries.map(({ id }) => id)
  const swap: Swap = { ...newSwap(peer), wants }
  const confirmed = new Set<string>()
  const refused = new Set<string>()
  let keeps = true
  if (sessions.length >= ROOT_FIRST_MIN) {
    const { equal, keeps: kept } = await compare(options, swap, shard, [])
    if (equal) return { confirmed: new Set(sessions), refused, keeps: kept, boot: swap.boot }
  }
  for (let at = 0; at < sessions.length; at += CHECK_SESSIONS_MAX) {
    const batch = sessions.slice(at, at + CHECK_SESSIONS_MAX)
    const { differing, keeps: kept } = await compare(options, swap, shard, batch)
    keeps &&= kept
    // Nobody is given to keep what it says it does not keep.
    if (!kept && !batch.some(wants)) break
    for (const session of batch) if (!differing.has(session)) confirmed.add(session)
    await swapEach(options, swap, [...differing], { confirmed, refused })
  }
  await catalog.journal.flush()
  if (isAll && confirmed.size === sessions.length && keeps && mine.seq >= mine.from) {
    await push(options, swap, { entries: [], covered: [mine] })
    ledger.acknowledge(peer, shard, mine.seq, mine.from)
  }
  return { confirmed, refused, keeps, boot: swap.boot }
}

/** Swaps sessions, and finds out which of them were refused: one must not keep the others from being confirmed. */
async function swapEach(
  options: ExchangeOptions,
  swap: Swap,
  sessions: readonly string[],
  found: { readonly confirmed: Set<string>; readonly refused: Set<string> },
): Promise<void> {
  swap.refused = false
  const { done } = await swapAll(options, swap, sessions)
  if (!swap.refused) {
    for (const session of done) found.confirmed.add(session)
  } else if (sessions.length > 1) {
    const half = Math.ceil(sessions.length / 2)
    await swapEach(options, swap, sessions.slice(0, half), found)
    await swapEach(options, swap, sessions.slice(half), found)
  } else {
    for (const session of sessions) found.refused.add(session)
  }
}

async function compare(
  options: ExchangeOptions,
  swap: Swap,
  shard: number,
  sessions: readonly string[],
): Promise<{ equal: boolean; keeps: boolean; differing: Set<string> }> {
  const tree = options.catalog.tree(shard)
  const request = CheckRequest.encode({
    boot: options.boot,
    shard,
    root: tree.root(),
    sessions: sessions.map((session) => ({ session, digest: tree.get(session) ?? new Uint8Array(DIGEST_BYTES) })),
  })
  const response = CheckResponse.decode(await ask(options, swap.peer, CHECK, request))
  swap.boot = response.boot
  const differing = new Set(response.differing.flatMap((place) => sessions[place] ?? []))
  return { equal: response.equal, keeps: response.keeps, differing }
}
