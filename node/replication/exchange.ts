// Anti-entropy, the asking side: compares hash trees with one peer, then swaps state vectors and differences of the
// sessions that differ. It is the only repair path: lost gossip, healed partitions, late joiners and restored backups
// all end here, and everything must converge with gossip switched off.
//
// What makes its result count as an acknowledgement: each side notes its last frame seq per shard *before* it makes
// its digests current. Once all differences have been swapped and are on disk, each holds at least what the other had
// at that seq, so the seq is acknowledged ("covered") without its frames having arrived.
import { compareNode, digestsEqual } from '../../crdt/index.ts'
import type { PeerId } from '../../transport/port.ts'
import { TreeRequest, TreeResponse, type Ack } from '../../transport/wire/messages.js'
import { ask, newSwap, push, swapPossible, type Swap } from './swap.ts'
import { remoteNode } from './tree-wire.ts'
import { TREE, type ExchangeOptions } from './exchange-server.ts'

/** Tree nodes asked for in one request. */
const QUERIES_MAX = 512

export interface ExchangeResult {
  /** Sessions that differed. */
  readonly differing: number
  /** Updates that were news here. */
  readonly pulled: number
  readonly pushed: number
  /** One of the two sides could not take in all of it. */
  readonly refused: boolean
  /** Shards in which both sides now hold, on disk, at least what both held when it began. */
  readonly compared: readonly number[]
}

interface Walk extends Swap {
  /** This peer's last seqs, noted before its digests were made current. */
  readonly mine: readonly Ack[]
  /** The other's last seqs, likewise. */
  theirs: readonly Ack[]
  /** Shards that the other side does not hold as a whole: nothing can be said of them. */
  readonly absent: Set<number>
}

/**
 * @param onTaken told of the shards of which this peer now has, on disk, all that the other had when it began; also where
 *   the exchange then fails, because the other side can't take in what it lacks
 * @throws SessionMeshError PEER_UNREACHABLE, REQUEST_TIMEOUT: what was swapped until then stays
 */
export async function exchange(
  options: ExchangeOptions,
  peer: PeerId,
  shards: readonly number[],
  onTaken: (shards: readonly number[]) => void = () => {},
): Promise<ExchangeResult> {
  const { catalog, ledger, boot } = options
  const mine = shards.map((shard) => ({ boot, shard, from: ledger.heldFrom(shard), seq: ledger.last(shard) }))
  await catalog.settle(new Set(shards))
  // The barrier at its end has the other side write down what it has.
  const walk: Walk = { ...newSwap(peer), isLean: true, mine, theirs: [], absent: new Set() }
  const differing = await findDiffering(options, walk, shards)
  const { done, pulled, pushed } = await swapPossible(options, walk, [...differing])
  const whole = done.size === differing.size
  const held = shards.filter((shard) => !walk.absent.has(shard))
  if (whole) await catalog.journal.flush()
  if (whole && !walk.lacking) onTaken(held)
  if (walk.failure !== undefined) throw walk.failure
  if (whole) await conclude(options, walk)
  const compared = whole && !walk.refused ? held : []
  return { differing: differing.size, pulled, pushed, compared, refused: walk.refused }
}

/** Sessions that the two have otherwise, or of which one has none; nothing is swapped. @throws as `exchange` */
export async function differingSessions(
  options: ExchangeOptions,
  peer: PeerId,
  shards: readonly number[],
): Promise<ReadonlySet<string>> {
  await options.catalog.settle(new Set(shards))
  const walk: Walk = { ...newSwap(peer), mine: [], theirs: [], absent: new Set() }
  return findDiffering(options, walk, shards)
}

async function findDiffering(options: ExchangeOptions, walk: Walk, shards: readonly number[]): Promise<Set<string>> {
  const differing = new Set<string>()
  let queries = shards.map((shard) => ({ shard, prefix: '' }))
  let first = true
  while (queries.length > 0) {
    const now = queries.slice(0, QUERIES_MAX).map(({ shard, prefix }) => {
      return { shard, prefix, hash: options.catalog.tree(shard).hash(prefix) }
    })
    queries = queries.slice(QUERIES_MAX)
    const hashes = new Map(now.map(({ shard, prefix, hash }) => [`${shard}/${prefix}`, hash]))
    const request = TreeRequest.encode({ boot: options.boot, queries: now })
    const response = TreeResponse.decode(await ask(options, walk.peer, TREE, request))
    if (first || response.covered.length > 0) {
      walk.boot = response.boot
      walk.theirs = [...walk.theirs, ...response.covered]
    }
    first = false
    for (const shard of response.absent) walk.absent.add(shard)
    for (const node of response.nodes) {
      // What is here may have changed since; what changed takes its own way to the other side.
      const asked = hashes.get(`${node.shard}/${node.prefix}`)
      if (asked !== undefined && digestsEqual(asked, node.hash)) continue
      const compared = compareNode(options.catalog.tree(node.shard), node.prefix, remoteNode(node))
      for (const session of compared.differing) differing.add(session)
      for (const prefix of compared.descend) queries.push({ shard: node.shard, prefix })
    }
  }
  return differing
}

/** The barrier: both sides' disks hold all that was swapped; then the seqs noted before count as covered. */
async function conclude(options: ExchangeOptions, walk: Walk): Promise<void> {
  const { ledger, inbox } = options
  const mine = walk.mine.filter(({ shard }) => !walk.absent.has(shard))
  await push(options, walk, { entries: [], covered: walk.refused ? [] : mine })
  if (walk.refused) return
  for (const { shard, seq, from } of mine) ledger.acknowledge(walk.peer, shard, seq, from)
  for (const ack of walk.theirs) inbox.covered(walk.peer, { ...ack, boot: walk.boot })
}
