// What came of handovers on purpose.
import type { FactKind } from './fact.ts'
import { isCutOff } from './cuts.ts'

export const HANDOVER_FACTS: readonly FactKind[] = [
  ended('drain', 'done', 'a peer drained and handed everything over'),
  ended('graceful', 'done', 'a peer handed its homes to another'),
  ended('drain', 'failed', 'a drain was given up'),
  ended('graceful', 'failed', 'a graceful failover was given up'),
  {
    name: 'a handover began during a partition',
    watch: ({ world }, hit) => ({
      onEvent({ kind, detail, machine, number }) {
        if (kind === 'handover' && detail === 'running' && number === 0 && isCutOff(world, machine)) hit()
      },
    }),
  },
]

function ended(handover: 'drain' | 'graceful', state: 'done' | 'failed', name: string): FactKind {
  return {
    name,
    watch: (_scene, hit) => ({
      onEvent: ({ kind, subject, detail }) =>
        void (kind === 'handover' && subject === handover && detail === state && hit()),
    }),
  }
}
