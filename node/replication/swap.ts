// Swapping single sessions with one peer: state vectors and differences, both ways.
import { hasCode, isKnownWith } from '../../crdt/index.ts'
import type { PeerId } from '../../transport/port.ts'
import {
  PullRequest,
  PullResponse,
  PushRequest,
  PushResponse,
  type Ack,
  type Entry as WireEntry,
} from '../../transport/wire/messages.js'
import { reasonOf } from './inbox.ts'
import { diffFor, PULL, PUSH, takeIn, TREE, type ExchangeOptions } from './exchange-server.ts'

/** Sessions asked for in one request; the answer may hold fewer if it grows large. */
const PULL_SESSIONS_MAX = 128
/** Such requests under way at a time: many sessions take as long as their bytes do, not as their round trips. */
const IN_FLIGHT = 4
const PUSH_BYTES_MAX = 4 * 1024 * 1024
/** Tree nodes are small: a peer that does not answer by then is asked again. */
const TREE_TIMEOUT_MS = 2_000
const TRANSFER_TIMEOUT_MS = 10_000

/** With whom sessions are swapped, and whether all that was swapped is held now. */
export interface Swap {
  readonly peer: PeerId
  /** The other's boot. */
  boot: string
  /** Something was refused or parked, on either side. */
  refused: boolean
  /** On this side. */
  lacking: boolean
  /** Why nothing more was sent: what the other has was taken all the same. */
  failure: Error | undefined
  /** Of which sessions news is taken in; of all others only what the other side lacks is sent. @default all */
  readonly wants?: (session: string) => boolean
  /** What the other side has is known to be on its disk without being sent there again. @default false */
  readonly isLean?: boolean
}

export function newSwap(peer: PeerId): Swap {
  return { peer, boot: '', refused: false, lacking: false, failure: undefined }
}

export interface Swapped {
  /** Sessions that the other side answered for. */
  readonly done: ReadonlySet<string>
  /** Updates that were news here. */
  readonly pulled: number
  readonly pushed: number
}

/** What was pushed is on the other's disk when it resolves; what was pulled, once the journal is flushed. */
export async function swapAll(options: ExchangeOptions, swap: Swap, sessions: readonly string[]): Promise<Swapped> {
  const swapped = await swapPossible(options, swap, sessions)
  if (swap.failure !== undefined) throw swap.failure
  return swapped
}

/** The same, but takes what the other has even if that can't take in what is sent: `swap.failure` says why. */
export async function swapPossible(
  options: ExchangeOptions,
  swap: Swap,
  sessions: readonly string[],
): Promise<Swapped> {
  const done = new Set<string>()
  let pulled = 0
  let pushed = 0
  const waiting = [...sessions]
  const work = async () => {
    while (waiting.length > 0) {
      const some = waiting.splice(0, PULL_SESSIONS_MAX)
      const swapped = await swapSome(options, swap, some)
      for (const session of swapped.done) done.add(session)
      pulled += swapped.pulled
      pushed += swapped.pushed
      // The other side may answer for fewer than asked; one that answers for none is not asked again.
      if (swapped.done.size === 0) break
      waiting.push(...some.filter((session) => !done.has(session)))
    }
  }
  const works = await Promise.allSettled(Array.from({ length: IN_FLIGHT }, work))
  const failed = works.find((settled) => settled.status === 'rejected')
  if (failed !== undefined) throw failed.reason
  return { done, pulled, pushed }
}

async function swapSome(options: ExchangeOptions, swap: Swap, sessions: readonly string[]): Promise<Swapped> {
  const { catalog } = options
  const { wants = () => true, isLean = false } = swap
  const request = PullRequest.encode({
    sessions: sessions.map((session) => ({ session, stateVector: catalog.stateVectorBytes(session) })),
    stateOnly: !sessions.some(wants),
  })
  const response = PullResponse.decode(await ask(options, swap.peer, PULL, request))
  const done = new Set<string>()
  const entries: WireEntry[] = []
  let pulled = 0
  for (const diff of response.sessions) {
    done.add(diff.session)
    // Their difference is made ready before ours is taken in: it is against what they had.
    const mine = await diffFor(catalog, diff.session, diff.known ? diff.stateVector : undefined)
    const isKnown = isLean && diff.known && mine !== undefined && isKnownWith(mine.update, diff.update)
    if (mine !== undefined && !isKnown) entries.push({ session: diff.session, update: mine.update })
    if (diff.known && wants(diff.session) && (await receive(options, swap, diff.session, diff.update))) pulled++
  }
  const pushed = await give(options, swap, entries)
  return { done, pulled, pushed }
}

async function give(options: ExchangeOptions, swap: Swap, entries: readonly WireEntry[]): Promise<number> {
  let pushed = 0
  try {
    for (const batch of batches(entries)) {
      if (swap.failure !== undefined) break
      await push(options, swap, { entries: batch, covered: [] })
      pushed += batch.length
    }
  } catch (error) {
    swap.failure = error instanceof Error ? error : new Error(String(error))
  }
  return pushed
}

export async function push(
  options: ExchangeOptions,
  swap: Swap,
  message: { entries: WireEntry[]; covered: Ack[] },
): Promise<void> {
  const bytes = PushRequest.encode({ boot: options.boot, ...message })
  const response = PushResponse.decode(await ask(options, swap.peer, PUSH, bytes))
  if (response.refused > 0) swap.refused = true
}

async function receive(options: ExchangeOptions, swap: Swap, session: string, update: Uint8Array): Promise<boolean> {
  const { catalog, refuse } = options
  try {
    const source = { origin: swap.peer, boot: swap.boot, frameSequence: 0 }
    const received = await takeIn(catalog, session, update, source)
    if (received === 'parked') swap.refused = swap.lacking = true
    return received === 'logged'
  } catch (error) {
    swap.refused = swap.lacking = true
    refuse(reasonOf(error), session, swap.peer, error instanceof Error ? error.message : String(error))
    if (!hasCode(error)) throw error
    return false
  }
}

function* batches(entries: readonly WireEntry[]): Generator<WireEntry[]> {
  let batch: WireEntry[] = []
  let bytes = 0
  for (const entry of entries) {
    if (batch.length > 0 && bytes + entry.update.length > PUSH_BYTES_MAX) {
      yield batch
      batch = []
      bytes = 0
    }
    batch.push(entry)
    bytes += entry.update.length
  }
  if (batch.length > 0) yield batch
}

export function ask(options: ExchangeOptions, peer: PeerId, protocol: string, bytes: Uint8Array): Promise<Uint8Array> {
  return options.transport.request(peer, protocol, bytes, {
    timeoutMs: protocol === TREE ? TREE_TIMEOUT_MS : TRANSFER_TIMEOUT_MS,
  })
}
