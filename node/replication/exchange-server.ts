// Anti-entropy, the answering side: tree nodes, comparisons of single sessions, differences, and taking in what the
// other side had more.
import * as Y from 'yjs'
import { digestsEqual, encodeIntegrated, hasCode, SessionMeshError } from '../../crdt/index.ts'
import { isTreePrefix } from './tree-prefix.ts'
import type { PeerId, Transport } from '../../transport/port.ts'
import {
  CheckRequest,
  CheckResponse,
  PullRequest,
  PullResponse,
  PushRequest,
  PushResponse,
  TreeRequest,
  TreeResponse,
  type SessionDiff,
} from '../../transport/wire/messages.js'
import type { ReplicaSets } from '../membership/replica-sets.ts'
import type { Catalog, Received } from '../sessions/catalog.ts'
import { isHeld } from '../sessions/entry.ts'
import type { Source } from '../sessions/journal.ts'
import type { AckLedger } from './acked.ts'
import type { OwnHoldings } from './holdings.ts'
import { isBoot, reasonOf, type Inbox } from './inbox.ts'
import { wireNode } from './tree-wire.ts'

export const TREE = 'tree'
export const PULL = 'pull'
export const PUSH = 'push'
export const CHECK = 'check'

/** Bytes of differences in one answer; the asker asks again for the rest. */
const PULL_BYTES_MAX = 8 * 1024 * 1024
const QUERIES_MAX = 4096
const SESSIONS_MAX = 4096

/** What both sides of an exchange need. */
export interface ExchangeOptions {
  readonly transport: Transport
  readonly catalog: Catalog
  readonly ledger: AckLedger
  readonly inbox: Inbox
  readonly sets: ReplicaSets
  readonly holdings: OwnHoldings
  readonly boot: string
  readonly refuse: (reason: string, session: string, origin: string, detail: string) => void
}

export interface ExchangeServerOptions extends ExchangeOptions {
  readonly allowed: (peer: PeerId) => boolean
  /** The other side's push brought news: neighbours should hear of it. */
  readonly onNews: () => void
  /** The other side counts on this peer to keep what it has of the session. */
  readonly onPushed: (session: string) => void
}

export function serveExchange(options: ExchangeServerOptions): void {
  const serve = (protocol: string, answer: (from: PeerId, bytes: Uint8Array) => Promise<Uint8Array>) =>
    options.transport.handle(protocol, async (from, bytes) => {
      if (!options.allowed(from)) throw new SessionMeshError('FORBIDDEN', `${from} is not in allowedPeers`)
      try {
        return await answer(from, bytes)
      } catch (error) {
        if (hasCode(error, 'PEER_NOT_RUNNING')) throw error
        options.refuse(`malformed-${protocol}`, '', from, error instanceof Error ? error.message : String(error))
        throw error
      }
    })
  serve(TREE, (_from, bytes) => answerTree(options, bytes))
  serve(PULL, (_from, bytes) => answerPull(options, bytes))
  serve(PUSH, (from, bytes) => answerPush(options, from, bytes))
  serve(CHECK, (_from, bytes) => answerCheck(options, bytes))
}

async function answerTree(options: ExchangeServerOptions, bytes: Uint8Array): Promise<Uint8Array> {
  const { catalog, ledger, holdings, boot } = options
  const { queries: asked } = TreeRequest.decode(bytes)
  limit(asked.length, QUERIES_MAX, 'tree queries')
  const queries = asked.filter(({ shard }) => holdings.replicates(shard))
  const absent = asked.map(({ shard }) => shard).filter((shard) => !holdings.replicates(shard))
  const roots = queries.filter(({ prefix }) => prefix === '').map(({ shard }) => shard)
  const covered = roots.map((shard) => ({ boot, shard, from: ledger.heldFrom(shard), seq: ledger.last(shard) }))
  if (roots.length > 0) await catalog.settle(new Set(roots))
  const nodes = queries.map(({ shard, prefix, hash }) => {
    if (!isTreePrefix(prefix)) throw new SessionMeshError('INVALID_MESSAGE', 'tree query with a malformed prefix')
    const tree = catalog.tree(shard)
    const isEqual = digestsEqual(tree.hash(prefix), hash)
    return wireNode(shard, prefix, isEqual ? { hash, leaves: [] } : tree.node(prefix))
  })
  return TreeResponse.encode({ boot, nodes, covered, absent: [...new Set(absent)] })
}

/** What is said to be equal is on this peer's disk before it is said. */
async function answerCheck(options: ExchangeServerOptions, bytes: Uint8Array): Promise<Uint8Array> {
  const { catalog, sets, holdings, boot } = options
  const { shard, root, sessions } = CheckRequest.decode(bytes)
  limit(sessions.length, SESSIONS_MAX, 'sessions in one check')
  const tree = catalog.tree(shard)
  await catalog.settle(new Set([shard]))
  const equal = digestsEqual(root, tree.root())
  const differing = sessions.flatMap(({ session, digest }, place) => {
    const own = tree.get(session)
    return own !== undefined && digestsEqual(own, digest) ? [] : [place]
  })
  await catalog.journal.flush()
  const keeps = sets.of(shard).self && holdings.replicates(shard)
  return CheckResponse.encode({ boot, keeps, equal, differing })
}

async function answerPull(options: ExchangeServerOptions, bytes: Uint8Array): Promise<Uint8Array> {
  const { sessions, stateOnly } = PullRequest.decode(bytes)
  limit(sessions.length, SESSIONS_MAX, 'sessions in one pull')
  const diffs: SessionDiff[] = []
  let size = 0
  for (const { session, stateVector } of sessions) {
    if (size > PULL_BYTES_MAX) break
    const diff = stateOnly ? stateFor(options.catalog, session) : await diffFor(options.catalog, session, stateVector)
    size += diff?.update.length ?? 0
    diffs.push(
      diff === undefined
        ? { session, known: false, update: new Uint8Array(), stateVector: new Uint8Array() }
        : { session, known: true, ...diff },
    )
  }
  // What a state vector claims must outlive this process, for the asker may let go of it.
  if (stateOnly) await options.catalog.journal.flush()
  return PullResponse.encode({ sessions: diffs })
}

async function answerPush(options: ExchangeServerOptions, from: PeerId, bytes: Uint8Array): Promise<Uint8Array> {
  const { catalog, inbox } = options
  const { boot, entries, covered } = PushRequest.decode(bytes)
  if (!isBoot(boot)) throw new SessionMeshError('INVALID_MESSAGE', 'push with a malformed boot id')
  let refused = 0
  let news = false
  for (const { session, update } of entries) {
    options.onPushed(session)
    try {
      const received = await takeIn(catalog, session, update, { origin: from, boot, frameSequence: 0 })
      if (received === 'parked') refused++
      news ||= received === 'logged'
    } catch (error) {
      refused++
      options.refuse(reasonOf(error), session, from, error instanceof Error ? error.message : String(error))
    }
  }
  await catalog.journal.flush()
  for (const ack of covered) inbox.covered(from, { ...ack, boot })
  if (news) options.onNews()
  return PushResponse.encode({ accepted: entries.length - refused, refused })
}

/** What a holder of `stateVector` lacks of the session; undefined if it is not known here. */
export async function diffFor(
  catalog: Catalog,
  session: string,
  stateVector: Uint8Array | undefined,
): Promise<{ update: Uint8Array; stateVector: Uint8Array } | undefined> {
  const entry = catalog.get(session)
  // Of which only updates are here that wait for what they rest on: it would be served as empty.
  if (entry === undefined || !isHeld(entry)) return undefined
  const against = stateVector === undefined || stateVector.length === 0 ? undefined : stateVector
  const atRest = against === undefined ? await catalog.atRest(entry) : undefined
  // It may have been forgotten while it was looked at.
  if (catalog.get(session) !== entry) return undefined
  if (atRest !== undefined) return { update: atRest, stateVector: catalog.stateVectorBytes(session) }
  const doc = await catalog.acquire(entry)
  try {
    return { update: encodeIntegrated(doc, against), stateVector: Y.encodeStateVector(doc) }
  } finally {
    catalog.release(entry)
  }
}

/**
 * Takes in what an exchange brought. With the document at hand: only it knows whether deletions are news, and what is
 * no news must not be logged and announced each time that it comes.
 * @throws as `Catalog.receiveDiff`
 */
export async function takeIn(catalog: Catalog, session: string, update: Uint8Array, source: Source): Promise<Received> {
  const entry = catalog.get(session)
  if (entry === undefined || entry.sequence === 0 || catalog.isSucceededBy(entry, update)) {
    return catalog.receiveDiff(session, update, source)
  }
  await catalog.acquire(entry)
  try {
    return catalog.receiveDiff(session, update, source)
  } finally {
    catalog.release(entry)
  }
}

/** The same without the difference. */
function stateFor(catalog: Catalog, session: string): { update: Uint8Array; stateVector: Uint8Array } | undefined {
  if (catalog.get(session) === undefined) return undefined
  return { update: new Uint8Array(), stateVector: catalog.stateVectorBytes(session) }
}

function limit(count: number, max: number, what: string): void {
  if (count > max) throw new SessionMeshError('INVALID_MESSAGE', `${count} ${what}, at most ${max}`)
}
