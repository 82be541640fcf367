// A calm network buries nobody.
import { MS } from '../world/loop.ts'
import type { CheckerKind, Scene } from './checker.ts'

/** Twice the heartbeat interval. */
const JITTER_MAX_MS = 2 * 500
/** What a network may lose before anybody may be taken for dead at any moment. */
export const LOSS_MAX_PER_MILLION = 100_000
/** No delay is longer than so many times its mean (dice.ts). */
const TAIL = 5

export const falseDeath: CheckerKind = {
  name: 'no-false-death',
  promise: 'Without faults, with jitter below twice the heartbeat interval, nobody is taken for dead.',
  violatedWhen: 'a peer is declared dead, or gone, in a run without faults',
  make: (scene, report) => {
    if (!isCalmPlan(scene)) return {}
    return {
      onEvent({ at, kind, machine, subject, detail }) {
        if (kind !== 'member' || (detail !== 'dead' && detail !== 'left')) return
        report(`${machine} declares ${subject} ${detail} at ${at / MS} ms, and nothing is wrong`, [machine, subject])
      },
    }
  },
}

function isCalmPlan({ plan: { faults, network } }: Scene): boolean {
  const jitterMs = network.latencyMinMs + TAIL * network.latencyMeanMs
  return faults.length === 0 && jitterMs < JITTER_MAX_MS && network.lossPerMillion <= LOSS_MAX_PER_MILLION
}
