// Tier C of the simulator: its scenarios on real processes in network namespaces, judged by its checkers.
import { describe, test } from 'vitest'
import { scenario } from '../../sim/scenarios/load.ts'
import { experiment } from '../../sim/scenarios/source.ts'
import { hurried, withOwnKeys } from '../support/net/plans.ts'
import { play } from '../support/net/play.ts'
import { expectHeld } from '../support/net/verdict.ts'

/** Of the scenario's time: long enough for deaths to be noticed and connections to be given up. */
const SHARE = Number(process.env['NET_SHARE'] ?? 0.5)

describe.each(['all', 3] as const)('with replicationFactor %s', (replicationFactor) => {
  test.each(['split-halves', 'isolate-one', 'asymmetric', 'flapping'])(
    '%s holds between real processes',
    async (name) => {
      const { plan } = experiment({ ...scenario(name), name, peer: { replicationFactor } }, '1')
      expectHeld(await play(hurried(withOwnKeys(plan), SHARE)))
    },
  )
})
