// The checkers over what real processes leave behind: each alarm rings when what it guards is broken.
import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { concatenate, hash128, HashTree, shardOf, toHex, toJson } from '../../../crdt/index.ts'
import type { Member, SessionView, ShardStatus } from '../../../node/api.ts'
import type { StoredSession } from '../../../node/ports/store.ts'
import { fingerprint } from '../../../sim/checkers/document.ts'
import { judge, type RecordedMachine, type Recording } from '../../../sim/checkers/recorded.ts'
import type { Operation } from '../../../sim/plan/plan.ts'
import { experiment } from '../../../sim/scenarios/source.ts'
import { change } from '../../../sim/workload/content.ts'
import { History } from '../../../sim/workload/history.ts'

const { plan } = experiment({ peers: 2, sessions: 1 }, '1')
const names = ['a', 'b']
/** Both keep everything. */
const shards = Array.from({ length: plan.peer.shardCount }, (_, shard): ShardStatus => {
  const replicas = names.map((name) => ({ peer: `id-${name}`, state: 'complete' as const }))
  return { shard, state: 'complete', sessions: 1, replicas }
})

function operation(kind: Operation['kind'], tag: string, key = tag): Operation {
  return { at: 0, tag, client: 'client-a', session: 's0', kind, key, durability: 2 }
}

function acked(history: History, done: Operation, replaced?: string): void {
  const entry = history.begin(done, 0)
  const copies = names.map((machine) => ({ machine, generation: 0 }))
  Object.assign(entry, { machine: 'a', outcome: 'acked', isApplied: true, replaced, copies })
}

/** A session in which `kept` and then `gone` were set, and `gone` was deleted. */
function session(): Y.Doc {
  const doc = new Y.Doc()
  for (const tag of ['kept', 'gone']) change(doc, operation('set', tag))
  change(doc, operation('unset', 'delete', 'gone'))
  return doc
}

function history(): History {
  const history = new History()
  acked(history, operation('set', 'kept'))
  acked(history, operation('set', 'gone'))
  acked(history, operation('unset', 'delete', 'gone'), 'gone')
  return history
}

function machine(name: string, doc: Y.Doc): RecordedMachine {
  const record = { session: 's0', sequence: 0, origin: 'a', boot: 'b', frameSequence: 0, time: 0 }
  const stored: StoredSession = { base: undefined, tail: [{ ...record, update: Y.encodeStateAsUpdate(doc) }] }
  const { data, ...types } = toJson(doc) as Record<string, unknown>
  const view = { id: 's0', data, types, home: 'id-a', digest: fingerprint(doc) } as unknown as SessionView
  const members = names.map((other) => ({ name: other, peer: `id-${other}`, status: 'alive' }) as Member)
  const answers = [{ session: 's0', view, error: '' }]
  const contentHash = hashOf(doc)
  return { name, peerId: `id-${name}`, members, shards, contentHash, answers, stored: new Map([['s0', stored]]) }
}

function hashOf(doc: Y.Doc): RecordedMachine['contentHash'] {
  const { shardCount } = plan.peer
  const trees = Array.from({ length: shardCount }, () => new HashTree())
  trees[shardOf('s0', shardCount)]?.set('s0', Buffer.from(fingerprint(doc), 'hex'))
  return { sessions: 1, hash: toHex(hash128(concatenate(trees.map((tree) => tree.root())))) }
}

function firing(change: Partial<Recording> = {}, ...machines: RecordedMachine[]): string[] {
  const doc = session()
  const both = machines.length > 0 ? machines : names.map((name) => machine(name, doc))
  const violations = judge({ plan, history: history(), now: 0, machines: both, ...change })
  return [...new Set(violations.map(({ checker }) => checker))]
}

test('what is as it should be raises no alarm', () => expect(firing()).toEqual([]))

describe('an alarm rings for', () => {
  const both = (doc: Y.Doc) => names.map((name) => machine(name, doc))

  test('an acknowledged write that no disk has', () => {
    const more = history()
    acked(more, operation('set', 'lost'))
    expect(firing({ history: more })).toEqual(['no-lost-write'])
  })

  test('a deleted value that is back', () => {
    const doc = session()
    change(doc, operation('set', 'gone'))
    expect(firing({}, ...both(doc))).toEqual(['no-lost-write'])
  })

  test('a terminated session that is served', () => {
    const more = history()
    acked(more, operation('terminate', 'end'))
    expect(firing({ history: more })).toEqual(['no-lost-write', 'deleted-stays-deleted'])
  })

  test('a value that nobody wrote', () => {
    const doc = session()
    change(doc, operation('push', 'stranger'))
    expect(firing({}, ...both(doc))).toEqual(['no-invention'])
  })

  test('disks that differ', () => {
    const behind = new Y.Doc()
    expect(firing({}, machine('a', session()), machine('b', behind))).toEqual(['convergence'])
  })

  test('an answer that is not what lies on the disk', () => {
    const doc = session()
    const one = machine('a', doc)
    const answers = [{ session: 's0', view: undefined, error: 'SESSION_NOT_FOUND' }]
    expect(firing({}, { ...one, answers }, machine('b', doc))).toEqual(['served'])
  })

  test('two homes of one session', () => {
    const doc = session()
    const one = machine('a', doc)
    const answers = one.answers.map((answer) => ({ ...answer, view: { ...answer.view, home: 'id-b' } as SessionView }))
    expect(firing({}, { ...one, answers }, machine('b', doc))).toEqual(['one-home'])
  })

  test('a member that is not seen', () => {
    const doc = session()
    const one = machine('a', doc)
    const members = one.members.map((member) => (member.name === 'b' ? { ...member, status: 'dead' as const } : member))
    expect(firing({}, { ...one, members }, machine('b', doc))).toEqual(['membership'])
  })
})
