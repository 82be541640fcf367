// All facts, and their counts in one run.
import type { Scene, Watcher } from '../checkers/checker.ts'
import type { FactKind } from './fact.ts'
import { BACKUP_FACTS } from './backup-facts.ts'
import { HANDOVER_FACTS } from './handover-facts.ts'
import { LIFE_FACTS } from './life-facts.ts'
import { MESSAGE_FACTS } from './message-facts.ts'
import { PROCESS_FACTS } from './process-facts.ts'
import { WRITE_FACTS } from './write-facts.ts'

const FACTS: readonly FactKind[] = [
  ...PROCESS_FACTS,
  ...MESSAGE_FACTS,
  ...WRITE_FACTS,
  ...LIFE_FACTS,
  ...BACKUP_FACTS,
  ...HANDOVER_FACTS,
]

/** Watchers that count, and the counts as they grow. */
export function countFacts(scene: Scene): { readonly facts: Record<string, number>; readonly watchers: Watcher[] } {
  const facts: Record<string, number> = Object.fromEntries(FACTS.map(({ name }) => [name, 0]))
  const watchers = FACTS.map(({ name, watch }) => {
    return watch(scene, () => {
      facts[name] = (facts[name] ?? 0) + 1
    })
  })
  return { facts, watchers }
}
