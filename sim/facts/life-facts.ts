// What became of sessions without a client's doing.
import type { EventKind } from '../world/trace.ts'
import type { FactKind } from './fact.ts'

export const LIFE_FACTS: readonly FactKind[] = [
  event('expired', 'a session ended by itself'),
  event('aside', 'a peer that was away for long set a session aside'),
  {
    name: 'a tombstone was forgotten while a peer was away that held the session',
    watch: ({ world, history, shadows }, hit) => {
      const seen = new Set<string>()
      return {
        onTick() {
          for (const session of history.forgotten.keys()) {
            if (seen.has(session)) continue
            seen.add(session)
            const isHeld = (name: string) => shadows.of(name, session) !== undefined
            if ([...world.machines.values()].some(({ name, isRunning }) => !isRunning && isHeld(name))) hit()
          }
        },
      }
    },
  },
]

function event(kind: EventKind, name: string): FactKind {
  return { name, watch: (_scene, hit) => ({ onEvent: (seen) => void (seen.kind === kind && hit()) }) }
}
