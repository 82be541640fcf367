// What came of snapshots, and when they were restored.
import { DONE } from '../faults/backups.ts'
import type { FactKind } from './fact.ts'
import { isCutOff } from './cuts.ts'

export const BACKUP_FACTS: readonly FactKind[] = [
  done('snapshot', 'a snapshot was taken'),
  done('restore', 'a snapshot was restored'),
  {
    name: 'a snapshot was restored on a new disk',
    watch: (_scene, hit) => {
      const wiped = new Set<string>()
      return {
        onRewritten: (machine, _session, cause) => void (cause === 'wiped' && wiped.add(machine)),
        onEvent: ({ kind, detail, machine }) => {
          if (kind === 'restore' && detail === DONE && wiped.delete(machine)) hit()
        },
      }
    },
  },
  {
    name: 'a snapshot was restored during a partition',
    watch: ({ world }, hit) => ({
      onEvent({ kind, detail, machine }) {
        if (kind === 'restore' && detail === DONE && isCutOff(world, machine)) hit()
      },
    }),
  },
]

function done(deed: 'snapshot' | 'restore', name: string): FactKind {
  return {
    name,
    watch: (_scene, hit) => ({ onEvent: ({ kind, detail }) => void (kind === deed && detail === DONE && hit()) }),
  }
}
