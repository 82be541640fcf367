// Anti-entropy, the asking side: compares hash trees with one peer, then swaps state vectors and differences of the
// sessions that differ. It is the only repair path: lost gossip, healed partitions, late joiners and restored backups
// all end here, and everything must converge with gossip switched off.
//
// What makes its result count as an acknowledgement: each side notes its last frame seq per shard *before* it makes
// its digests current. Once all differences have been swapped and are on disk, each holds at least what the other had
// at that seq, so the seq is acknowledged ("covered") without its frames having arrived.
import { compareNode, decodeStateVector, hasCode } from '../../crdt/index.ts'
import type { PeerId } from '../../transport/port.ts'
import {
  PullRequest,
  PullResponse,
  PushRequest,
  PushResponse,
  TreeRequest,
  TreeResponse,
  type Ack,
  type Entry as WireEntry,
} from '../../transport/wire/messages.js'
import { remoteNode } from './tree-wire.ts'
import { reasonOf } from './inbox.ts'
import { diffFor, PULL, PUSH, takeIn, TREE, type ExchangeOptions } from './exchange-server.ts'

/** Tree nodes asked for in one request. */
const QUERIES_MAX = 512
/** Sessions asked for in one request; the answer may hold fewer if it grows large. */
const PULL_SESSIONS_MAX = 512
const PUSH_BYTES_MAX = 4 * 1024 * 1024
/** Tree nodes are small: a peer that does not answer by then is asked again. */
const TREE_TIMEOUT_MS = 2_000
const TRANSFER_TIMEOUT_MS = 10_000

export interface ExchangeResult {
  /** Sessions that differed. */
  readonly differing: number
  /** Updates that were news here. */
  readonly pulled: number
  readonly pushed: number
  /** One of the two sides could not take in all of it. */
  readonly refused: boolean
}

interface Walk {
  readonly peer: PeerId
  readonly shards: readonly number[]
  /** This peer's last seqs, noted before its digests were made current. */
  readonly mine: readonly Ack[]
  /** The other's boot and last seqs, likewise. */
  boot: string
  theirs: readonly Ack[]
  refused: boolean
}

/** @throws SessionMeshError PEER_UNREACHABLE, REQUEST_TIMEOUT: what was swapped until then stays */
export async function exchange(
  options: ExchangeOptions,
  peer: PeerId,
  shards: readonly number[],
): Promise<ExchangeResult> {
  const { catalog, ledger, boot } = options
  const mine = shards.map((shard) => ({ boot, shard, from: 0, seq: ledger.last(shard) }))
  await catalog.settle(new Set(shards))
  const walk: Walk = { peer, shards, mine, boot: '', theirs: [], refused: false }
  const differing = await findDiffering(options, walk)
  let pulled = 0
  let pushed = 0
  let waiting = [...differing]
  while (waiting.length > 0) {
    const swapped = await swap(options, walk, waiting.slice(0, PULL_SESSIONS_MAX))
    pulled += swapped.pulled
    pushed += swapped.pushed
    // The other side may answer for fewer than asked; one that answers for none is not asked again.
    if (swapped.done.size === 0) break
    waiting = waiting.filter((session) => !swapped.done.has(session))
  }
  if (waiting.length === 0) await conclude(options, walk)
  return { differing: differing.size, pulled, pushed, refused: walk.refused }
}

async function findDiffering(options: ExchangeOptions, walk: Walk): Promise<Set<string>> {
  const differing = new Set<string>()
  let queries = walk.shards.map((shard) => ({ shard, prefix: '' }))
  let first = true
  while (queries.length > 0) {
    const now = queries.slice(0, QUERIES_MAX)
    queries = queries.slice(QUERIES_MAX)
    const request = TreeRequest.encode({ boot: options.boot, queries: now })
    const response = TreeResponse.decode(await ask(options, walk.peer, TREE, request))
    if (first || response.covered.length > 0) {
      walk.boot = response.boot
      walk.theirs = [...walk.theirs, ...response.covered]
    }
    first = false
    for (const node of response.nodes) {
      const compared = compareNode(options.catalog.tree(node.shard), node.prefix, remoteNode(node))
      for (const session of compared.differing) differing.add(session)
      for (const prefix of compared.descend) queries.push({ shard: node.shard, prefix })
    }
  }
  return differing
}

async function swap(
  options: ExchangeOptions,
  walk: Walk,
  sessions: readonly string[],
): Promise<{ done: Set<string>; pulled: number; pushed: number }> {
  const { catalog } = options
  const request = PullRequest.encode({
    sessions: sessions.map((session) => ({ session, stateVector: catalog.stateVectorBytes(session) })),
  })
  const response = PullResponse.decode(await ask(options, walk.peer, PULL, request))
  const done = new Set<string>()
  const entries: WireEntry[] = []
  let pulled = 0
  for (const diff of response.sessions) {
    done.add(diff.session)
    // Their difference is made ready before ours is taken in: it is against what they had.
    const mine = await diffFor(catalog, diff.session, diff.known ? diff.stateVector : undefined)
    if (mine !== undefined) entries.push({ session: diff.session, update: mine.update })
    if (diff.known && (await receive(options, walk, diff.session, diff.update))) pulled++
  }
  for (const batch of batches(entries)) await push(options, walk, { entries: batch, covered: [] })
  return { done, pulled, pushed: entries.length }
}

/** The barrier: both sides' disks hold all that was swapped; then the seqs noted before count as covered. */
async function conclude(options: ExchangeOptions, walk: Walk): Promise<void> {
  const { catalog, ledger, inbox } = options
  await catalog.journal.flush()
  await push(options, walk, { entries: [], covered: walk.refused ? [] : [...walk.mine] })
  if (walk.refused) return
  for (const { shard, seq } of walk.mine) ledger.acknowledge(walk.peer, shard, seq)
  for (const { shard, seq } of walk.theirs) inbox.covered(walk.peer, walk.boot, shard, seq)
}

async function push(
  options: ExchangeOptions,
  walk: Walk,
  message: { entries: WireEntry[]; covered: Ack[] },
): Promise<void> {
  const bytes = PushRequest.encode({ boot: options.boot, ...message })
  const response = PushResponse.decode(await ask(options, walk.peer, PUSH, bytes))
  if (response.refused > 0) walk.refused = true
}

async function receive(options: ExchangeOptions, walk: Walk, session: string, update: Uint8Array): Promise<boolean> {
  const { catalog, refuse } = options
  try {
    const source = { origin: walk.peer, boot: walk.boot, frameSequence: 0 }
    const received = await takeIn(catalog, session, update, source)
    if (received === 'parked') walk.refused = true
    return received === 'logged'
  } catch (error) {
    walk.refused = true
    refuse(reasonOf(error), session, walk.peer, error instanceof Error ? error.message : String(error))
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

function ask(options: ExchangeOptions, peer: PeerId, protocol: string, bytes: Uint8Array): Promise<Uint8Array> {
  return options.transport.request(peer, protocol, bytes, {
    timeoutMs: protocol === TREE ? TREE_TIMEOUT_MS : TRANSFER_TIMEOUT_MS,
  })
}

/** Fetches one session from one peer. Whether the peer knew it. */
export async function fetchSession(options: ExchangeOptions, peer: PeerId, session: string): Promise<boolean> {
  const request = PullRequest.encode({
    sessions: [{ session, stateVector: options.catalog.stateVectorBytes(session) }],
  })
  const response = PullResponse.decode(await ask(options, peer, PULL, request))
  const diff = response.sessions.find((candidate) => candidate.session === session)
  if (diff === undefined || !diff.known) return false
  decodeStateVector(diff.stateVector)
  await takeIn(options.catalog, session, diff.update, { origin: peer, boot: '', frameSequence: 0 })
  await options.catalog.journal.flush()
  return true
}
