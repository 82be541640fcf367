// Peers that break what replication promises.
import type { Mutant } from './mutant.ts'

const INBOX = 'node/replication/inbox.ts'
const DURABILITY = 'node/replication/durability.ts'
const SWAP = 'node/replication/swap.ts'
const SERVER = 'node/replication/exchange-server.ts'
const LETTING_GO = 'node/replication/letting-go.ts'
const REPAIR = 'node/replication/repair.ts'
const REPLICATION = 'node/replication/replication.ts'

export const REPLICATION_MUTANTS: readonly Mutant[] = [
  {
    name: 'ack-before-append',
    breaks: 'a frame is acknowledged before its records are on disk',
    guard: 'durable-ack',
    edits: [{ file: INBOX, find: 'this.#options.catalog.journal.flush().then(', replace: 'Promise.resolve().then(' }],
  },
  {
    name: 'ack-without-dependency',
    breaks: 'a frame is acknowledged although an update of it waits for a dependency',
    guard: 'durable-ack',
    edits: [{ file: INBOX, find: "=== 'parked') waiting.push(entry)", replace: "=== 'parked') void waiting" }],
  },
  {
    name: 'ack-over-a-gap',
    breaks: 'a frame acknowledges all before it, missing ones too, which nobody looks for',
    guard: 'durable-ack',
    edits: [
      {
        file: INBOX,
        find: 'const before = stream.contiguous\n',
        replace: 'const before = stream.contiguous\n    stream.contiguous = Math.max(before, seq)\n',
      },
      { file: INBOX, find: 'seq: contiguous, from: base + 1 })', replace: 'seq: contiguous, from: 1 })' },
      {
        file: INBOX,
        find: 'const gap = frame.seq > Math.max(stream.received, stream.contiguous) + 1',
        replace: 'const gap = frame.seq < 0',
      },
      {
        file: REPLICATION,
        find: 'every(clock, LOST_CHECK_MS, () => this.#repairLost(clock.monotonic())),',
        replace: 'every(clock, 20 * LOST_CHECK_MS, () => this.#repairLost(clock.monotonic())),',
      },
    ],
  },
  {
    name: 'covered-without-barrier',
    breaks: 'what an exchange brought counts as held before it is on disk',
    guard: 'durable-ack',
    edits: [
      {
        file: SERVER,
        find: '  await catalog.journal.flush()\n  for (const ack of covered)',
        replace: '  for (const ack of covered)',
      },
    ],
  },
  {
    name: 'never-degraded',
    breaks: 'a receipt with too few copies does not say so',
    guard: 'receipt',
    edits: [{ file: DURABILITY, find: 'const degraded = held < wanted', replace: 'const degraded = held > wanted' }],
  },
  {
    name: 'waits-for-nobody',
    breaks: 'a write resolves as soon as it is on its own disk, whatever was asked for',
    guard: 'receipt',
    edits: [
      {
        file: DURABILITY,
        find: 'if (standing.held >= standing.possible)',
        replace: 'if (standing.possible >= 0 || standing.held > 0)',
      },
    ],
  },
  {
    name: 'asks-before-writing',
    breaks: 'a write talks to every live peer first',
    guard: 'availability',
    edits: [
      {
        file: REPLICATION,
        find: 'return this.#parts?.outbox.room()',
        replace: 'return this.forceSync().then(() => this.#parts?.outbox.room())',
      },
    ],
  },
  {
    name: 'dropped-repair',
    breaks: 'an exchange that is asked for does not run',
    guard: 'convergence',
    edits: [{ file: REPAIR, find: 'if (!this.#running) return\n', replace: 'if (this.#running) return\n' }],
  },
  {
    name: 'one-way-repair',
    breaks: 'an exchange fetches what is missing here and does not send what is missing there',
    guard: 'convergence',
    edits: [
      {
        file: SWAP,
        find: 'if (mine !== undefined && !isKnown) entries.push',
        replace: 'if (mine === null) entries.push',
      },
      { file: REPAIR, find: "membership.events.on('heard', (info) => this.#compare(info)),", replace: '' },
    ],
  },
  {
    name: 'mixed-up-answer',
    breaks: 'asked for one session, a peer answers with another',
    guard: 'no-invention',
    edits: [
      {
        file: SERVER,
        find: 'await diffFor(options.catalog, session, stateVector)',
        replace: 'await diffFor(options.catalog, [...options.catalog.entries()][0]?.id ?? session, undefined)',
      },
    ],
  },
  {
    name: 'endless-exchange',
    breaks: 'peers that are equal go on comparing for ever',
    guard: 'quiescence',
    edits: [
      {
        file: REPLICATION,
        find: 'if (shards.length > 0) this.#parts?.repair.request(peer, shards)',
        replace: 'this.#parts?.repair.request(peer, shards.length > 0 ? shards : [0])',
      },
    ],
  },
  {
    name: 'cries-wolf',
    breaks: 'a peer that can not be reached is reported as an error of this one',
    guard: 'no-error',
    edits: [
      {
        file: REPAIR,
        find: 'if (!isUnreachable(error)) {',
        replace: 'if (error !== undefined) {',
      },
    ],
  },
  {
    name: 'lets-go-unasked',
    breaks: 'a peer that is no replica drops what was written to it without asking whether others hold it',
    guard: 'no-early-release',
    edits: [
      {
        file: LETTING_GO,
        find: 'return this.#options.following.isCopy(entry) || entry.sequence === 0',
        replace: 'return this.#options.following.isCopy(entry) || entry.sequence >= 0',
      },
    ],
  },
]
