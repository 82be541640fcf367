// One timer for many deadlines, on clocks good and bad.
import { expect, test } from 'vitest'
import type { Clock } from '../../../node/ports/clock.ts'
import { Deadlines } from '../../../node/util/deadlines.ts'
import { ManualClock } from '../../support/manual-clock.ts'

test('is due at the earliest, whatever the order, and again for what is added then', () => {
  const clock = new ManualClock()
  const due: number[] = []
  const left = [300, 100, 200]
  const deadlines = new Deadlines(clock, (now) => {
    due.push(now)
    left.splice(left.indexOf(now), 1)
    for (const deadline of left) deadlines.add(deadline)
  })
  for (const deadline of left) deadlines.add(deadline)
  clock.advance(1_000)
  expect(due).toEqual([100, 200, 300])
})

test('nothing is due once cleared', () => {
  const clock = new ManualClock()
  const deadlines = new Deadlines(clock, () => expect.unreachable())
  deadlines.add(1)
  deadlines.clear()
  clock.advance(10)
  expect(clock.pending).toBe(0)
})

test('a clock that rounds does not make it spin', () => {
  const clock = new ManualClock()
  const rounding: Clock = {
    now: () => 0,
    monotonic: () => clock.monotonic() * 0.999_999,
    setTimer: (delayMs, callback) => clock.setTimer(Math.floor(delayMs), callback),
  }
  let looks = 0
  const deadlines = new Deadlines(rounding, (now) => {
    looks++
    if (now < 100 && looks < 10) deadlines.add(100)
  })
  deadlines.add(100)
  clock.advance(1_000)
  expect(looks).toBe(2)
})
