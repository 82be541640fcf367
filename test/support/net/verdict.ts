// What every play must show at its end.
import { expect } from 'vitest'
import { judge } from '../../../sim/checkers/recorded.ts'
import type { Played } from './play.ts'

/** Prints what it found as well: a run that only says `passed` can't be told from one that tried nothing. */
export function expectHeld({ recording, troubles, dropped, equalMs }: Played): void {
  const { plan, history } = recording
  const acked = history.count('acked')
  const line = `${acked} of ${history.entries.length} operations acknowledged, ${dropped} packets lost`
  process.stdout.write(
    `${plan.name}, factor ${plan.peer.replicationFactor}: ${line}, equal ${Math.round(equalMs)} ms after the links were back\n`,
  )
  expect(judge(recording)).toEqual([])
  expect(troubles).toEqual([])
  expect(dropped).toBeGreaterThan(0)
  // Half of them go through a door that acknowledges nothing.
  expect(acked).toBeGreaterThan(history.entries.length / 4)
}
