// Peers that break what sessions and their disks promise.
import type { Mutant } from './mutant.ts'

const CATALOG = 'node/sessions/catalog.ts'
const JOURNAL = 'node/sessions/journal.ts'
const DOCUMENT = 'crdt/document.ts'
const COMPACTION = 'node/sessions/compaction.ts'
const COMPACT_OFTEN = [
  { file: COMPACTION, find: 'entry.tailRecords >= historyRecordsMax', replace: 'entry.tailRecords >= 6' },
  { file: COMPACTION, find: 'records: historyRecordsMax / 2', replace: 'records: 2' },
]

export const SESSION_MUTANTS: readonly Mutant[] = [
  {
    name: 'unsynced-counts',
    breaks: 'a record counts as on disk as soon as it was handed to the store',
    guard: 'durable-ack',
    edits: [
      {
        file: JOURNAL,
        find: 'await this.#store.append(records)',
        replace: 'void this.#store.append(records).catch(() => {})',
      },
    ],
  },
  {
    name: 'digest-ignores-deletes',
    breaks: 'documents that differ by what is deleted have equal digests',
    guard: 'convergence',
    edits: [
      {
        file: 'crdt/digest.ts',
        find: 'return hash128(Y.encodeSnapshot(Y.snapshot(doc)))',
        replace: 'return hash128(Y.encodeStateVector(doc))',
      },
    ],
  },
  {
    name: 'digest-not-renewed',
    breaks: 'the hash tree keeps the digest that a session had at first',
    guard: 'served',
    edits: [
      {
        file: 'node/sessions/entry-index.ts',
        find: 'this.tree(entry.shard).set(entry.id, digest)',
        replace: 'if (this.tree(entry.shard).get(entry.id) === undefined) this.tree(entry.shard).set(entry.id, digest)',
      },
    ],
  },
  {
    name: 'reused-client-id',
    breaks: 'a process writes under the Yjs client id of the one before it',
    guard: 'unique-ids',
    edits: [
      {
        file: 'node/peer.ts',
        find: 'newClientId: () => newClientId(random),',
        replace: 'newClientId: () => (newClientId(random) % 1) + Number.parseInt(transport.self.slice(-7), 16),',
      },
    ],
  },
  {
    name: 'late-write-wins',
    breaks: 'a write that meets the tombstone of its session brings the session back',
    guard: 'deleted-stays-deleted',
    edits: [
      {
        file: DOCUMENT,
        find: "return time(sessionMapOf(doc).get('terminatedAt')) !== undefined",
        replace: "return time(sessionMapOf(doc).get('terminatedAt')) !== undefined && doc.getMap('data').size === 0",
      },
    ],
  },
  {
    name: 'expires-early',
    breaks: 'an idle session ends after half its time, whoever touched it lately',
    guard: 'lifetime',
    edits: [
      { file: 'crdt/expiry.ts', find: 'touchedAt + ttlMs * (1 + THROTTLE)', replace: 'touchedAt + ttlMs * 0.5' },
      {
        file: 'node/life/agreement.ts',
        find: 'return idleMs >= ttlMs && clock',
        replace: 'return idleMs >= 0 && clock',
      },
    ],
  },
  {
    name: 'shows-what-it-held',
    breaks: 'a peer that was away for long shows what it holds at once',
    guard: 'no-resurrection',
    edits: [
      {
        file: 'node/life/returning.ts',
        find: 'this.#isOver = note === undefined || !note.hasMet || !this.#isLong(note.ranUntil)',
        replace: 'this.#isOver = true || !this.#isLong(note?.ranUntil ?? 0)',
      },
    ],
  },
  {
    name: 'forgets-the-unread',
    breaks: 'a document is made from the disk without what is still on its way there',
    guard: 'session-guarantees',
    edits: [
      {
        file: 'node/sessions/documents.ts',
        find: 'if (!journal.isWritten(entry)) await journal.settled()',
        replace: '',
      },
    ],
  },
  {
    name: 'ignores-tokens',
    breaks: 'a peer answers from what it has, whatever token it is shown',
    guard: 'causal-tokens',
    edits: [
      {
        file: 'node/sessions/sessions.ts',
        find: 'if (wanted !== undefined) await this.#catchingUp.reach(name, wanted)',
        replace: '',
      },
    ],
  },
  {
    name: 'tokens-without-deletions',
    breaks: 'a token is taken for reached by whoever has its insertions',
    guard: 'causal-tokens',
    edits: [
      {
        file: 'crdt/token.ts',
        find: 'if (!ranges.every((range) => areDeleted(structs, range))) return false',
        replace: 'if (ranges.length > structs.length) return false',
      },
    ],
  },
  {
    name: 'compacts-too-much',
    breaks: 'compaction takes a record with it that came after its base',
    guard: 'disk-safety',
    edits: [
      ...COMPACT_OFTEN,
      {
        file: COMPACTION,
        find: '{ throughSequence, records: folded.length, bytes: foldedBytes }',
        replace: '{ throughSequence: throughSequence + 1, records: folded.length, bytes: foldedBytes }',
      },
    ],
  },
  {
    name: 'compacts-to-nothing',
    breaks: 'compaction puts an empty document in place of the records',
    guard: 'no-lost-write',
    edits: [
      ...COMPACT_OFTEN,
      {
        file: COMPACTION,
        find: 'const update = Y.encodeStateAsUpdate(doc)',
        replace: 'const update = Y.encodeStateAsUpdate(new Y.Doc({ guid: doc.guid }))',
      },
    ],
  },
  {
    name: 'parked-for-ever',
    breaks: 'updates that found their dependency still count as parked',
    guard: 'bounded',
    edits: [{ file: CATALOG, find: 'this.#parked -= waiting.length', replace: 'this.#parked -= 0' }],
  },
]
