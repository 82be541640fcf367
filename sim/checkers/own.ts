// What the author of a scenario promises: their operations throw nothing, and their check holds in the end.
import type * as Y from 'yjs'
import type { Called, OwnCode } from '../scenarios/own-code.ts'
import type { CheckerKind, Scene } from './checker.ts'

export function ownCheckers({ check }: OwnCode): CheckerKind[] {
  return check === undefined ? [ownOperation] : [ownOperation, ownCheck(check)]
}

const ownOperation: CheckerKind = {
  name: 'operation',
  promise: 'Operations of the scenario throw nothing.',
  violatedWhen: 'an operation of the scenario throws',
  make: (_scene, report) => ({
    onApplied({ operation, machine, thrown }) {
      if (thrown !== undefined) report(`${operation.key} threw in ${operation.session}: ${describe(thrown)}`, [machine])
    },
  }),
}

function ownCheck(check: NonNullable<OwnCode['check']>): CheckerKind {
  return {
    name: 'check',
    promise: 'What the scenario itself checks holds at the end.',
    violatedWhen: 'the check of the scenario throws',
    make: (scene, report) => ({
      atEnd({ isConverged }) {
        if (!isConverged) return
        try {
          check(documentsOf(scene), callsOf(scene))
        } catch (error) {
          report(describe(error))
        }
      },
    }),
  }
}

/** Every session as the core holds it: all replicas are equal by now. */
function documentsOf({ plan, shadows, history }: Scene): ReadonlyMap<string, Y.Doc> {
  const sessions = new Set(history.entries.map(({ operation }) => operation.session))
  const documents = [...sessions].toSorted().flatMap((session): [string, Y.Doc][] => {
    const doc = plan.core.map((name) => shadows.of(name, session)).find((doc) => doc !== undefined)
    return doc === undefined ? [] : [[session, doc]]
  })
  return new Map(documents)
}

/** What may be in the documents; what was acknowledged must be. */
function callsOf({ history }: Scene): Called[] {
  return history.entries.flatMap(({ operation, outcome, isApplied, returned }) => {
    if (operation.kind !== 'call' || !isApplied) return []
    const { key: name, tag, client, session } = operation
    return [{ name, tag, client, session, outcome: outcome === 'acked' ? 'acked' : 'unknown', returned }]
  })
}

/** The message, and the frames that are the author's own. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const lines = (error.stack ?? error.message).split('\n')
  const ours = lines.findIndex((line) => /[/\\]sim[/\\](checkers|workload)[/\\]/.test(line))
  return lines.slice(0, ours === -1 ? undefined : ours).join('\n')
}
