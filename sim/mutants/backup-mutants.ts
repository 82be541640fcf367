// Peers that break what snapshots and reconstruction promise.
import type { Mutant } from './mutant.ts'

const RESTORE = 'node/snapshots/restore.ts'

export const BACKUP_MUTANTS: readonly Mutant[] = [
  {
    name: 'restore-replaces',
    breaks: 'a restore gives a session what it held when the snapshot was taken, and nothing more',
    guard: 'restore-adds',
    edits: [
      {
        file: RESTORE,
        find: "import { createDocument, digestOf, digestsEqual, hasCode } from '../../crdt/index.ts'",
        replace:
          "import { createDocument, digestOf, digestsEqual, hasCode, revertDocument } from '../../crdt/index.ts'",
      },
      {
        file: RESTORE,
        find: 'if (dryRun) return bringsNews',
        replace: `const past = createDocument(record.session)
    Y.applyUpdate(past, record.update)
    revertDocument(doc, past)
    if (dryRun) return bringsNews`,
      },
    ],
  },
  {
    name: 'restore-keeps-back',
    breaks: 'a restore leaves out sessions that the peer does not have',
    guard: 'restore-adds',
    edits: [{ file: RESTORE, find: 'if (!dryRun) catalog.receiveDiff', replace: 'if (dryRun) catalog.receiveDiff' }],
  },
  {
    name: 'rebuild-skips-the-base',
    breaks: 'a session is rebuilt from its log without the base that older records were folded into',
    guard: 'rebuilt-is-live',
    edits: [
      {
        file: 'node/reconstruction/replay.ts',
        find: 'if (stored.base !== undefined) Y',
        replace: 'if (stored.base !== undefined && stored.tail.length === 0) Y',
      },
      {
        file: 'node/sessions/compaction.ts',
        find: 'entry.tailRecords >= historyRecordsMax',
        replace: 'entry.tailRecords >= 6',
      },
      { file: 'node/sessions/compaction.ts', find: 'records: historyRecordsMax / 2', replace: 'records: 2' },
    ],
  },
]
