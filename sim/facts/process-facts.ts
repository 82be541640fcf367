// What happened to processes while something else was going on.
import type { Scene } from '../checkers/checker.ts'
import { SECOND, type Micros } from '../world/loop.ts'
import type { EventKind } from '../world/trace.ts'
import { isCutOff } from './cuts.ts'
import type { FactKind } from './fact.ts'

/** A process that started so short ago is still recovering. */
const RECOVERY: Micros = 1 * SECOND

export const PROCESS_FACTS: readonly FactKind[] = [
  when('crash', 'a process crashed during a partition', ({ world }, machine) => isCutOff(world, machine)),
  when('start', 'a process started inside a partition', ({ world }, machine) => isCutOff(world, machine)),
  when('disk', 'a crash took writes that were not on disk yet', (_scene, _machine, detail) => detail === 'lost'),
  when('crash', 'a process crashed with a client waiting for its answer', ({ history }, machine) => {
    return history.entries.some((entry) => entry.outcome === 'pending' && entry.machine === machine)
  }),
  when('crash', 'all processes were down at once', ({ world }) => {
    return [...world.machines.values()].every(({ isRunning }) => !isRunning)
  }),
  when('thaw', 'a process was frozen, buried and thawed', ({ world }, machine) => {
    return world
      .serving()
      .some(({ peer }) => peer?.members().some(({ name, status }) => name === machine && status === 'dead'))
  }),
  afterStart('crash', 'a process crashed while it recovered from a crash'),
  afterStart('open', 'a partition healed while a process recovered from a crash'),
  {
    name: 'a client moved to another peer and went on with its session',
    watch: (_scene, hit) => {
      const last = new Map<string, string>()
      return {
        onInvoked({ operation, machine }) {
          const key = `${operation.client} ${operation.session}`
          if ((last.get(key) ?? machine) !== machine) hit()
          last.set(key, machine)
        },
      }
    },
  },
]

/** An event of this kind, if what holds then is asked for. The first start of each process is no fact. */
function when(
  kind: EventKind,
  name: string,
  holds: (scene: Scene, machine: string, detail: string) => boolean,
): FactKind {
  return {
    name,
    watch: (scene, hit) => ({
      onEvent(event) {
        if (event.kind === kind && event.at > 0 && holds(scene, event.machine, event.detail)) hit()
      },
    }),
  }
}

/** An event of this kind at a machine whose process has just started again. */
function afterStart(kind: EventKind, name: string): FactKind {
  return {
    name,
    watch: (_scene, hit) => {
      const started = new Map<string, Micros>()
      return {
        onEvent(event) {
          if (event.kind === kind && event.at - (started.get(event.machine) ?? -Infinity) < RECOVERY) hit()
          if (event.kind === 'start' && event.at > 0) started.set(event.machine, event.at)
        },
      }
    },
  }
}
