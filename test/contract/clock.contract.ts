// What every Clock must do, as tests. Run it on an implementation:
//
//   runClockContract('system', () => ({ clock: systemClock, elapse }))
//
// `elapse(ms)` lets time pass: a virtual clock is moved on, a real one is waited for.

import { describe, expect, it } from 'vitest'
import type { Clock } from '../../node/ports/clock.ts'

export interface ClockHarness {
  readonly clock: Clock
  /** Resolves when at least `ms` have passed on the clock and the timers due by then have fired. */
  elapse(ms: number): Promise<void>
}

export function runClockContract(name: string, makeClock: () => ClockHarness): void {
  describe(`clock contract: ${name}`, () => {
    readingTests(makeClock)
    timerTests(makeClock)
  })
}

/** A timer may fire this much before its time by `monotonic`, which reads finer than timers run. */
const TIMER_GRAIN_MS = 1

function readingTests(makeClock: () => ClockHarness): void {
  it('reads the wall clock in milliseconds since the epoch', () => {
    const { clock } = makeClock()
    expect(Number.isFinite(clock.now())).toBe(true)
    expect(clock.now()).toBeGreaterThanOrEqual(0)
  })

  it('never goes back on the monotonic reading, and moves on as time passes', async () => {
    const { clock, elapse } = makeClock()
    const start = clock.monotonic()
    let last = start
    for (let reading = 0; reading < 10_000; reading += 1) {
      const now = clock.monotonic()
      expect(now >= last).toBe(true)
      last = now
    }
    await elapse(20)
    expect(clock.monotonic() - start).toBeGreaterThanOrEqual(20 - TIMER_GRAIN_MS)
  })
}

function timerTests(makeClock: () => ClockHarness): void {
  it('fires a timer once, later than the call that set it and not before its time', async () => {
    const { clock, elapse } = makeClock()
    const start = clock.monotonic()
    const firedAt: number[] = []
    clock.setTimer(30, () => firedAt.push(clock.monotonic() - start))
    expect(firedAt).toEqual([])
    await elapse(100)
    expect(firedAt.length).toBe(1)
    expect(firedAt[0]).toBeGreaterThanOrEqual(30 - TIMER_GRAIN_MS)
  })

  it('does not fire a timer of 0 within the call that sets it', async () => {
    const { clock, elapse } = makeClock()
    let fired = false
    clock.setTimer(0, () => (fired = true))
    expect(fired).toBe(false)
    await elapse(5)
    expect(fired).toBe(true)
  })

  it('fires timers of equal time in the order set, and earlier ones first', async () => {
    const { clock, elapse } = makeClock()
    const fired: string[] = []
    for (const name of ['late 1', 'late 2', 'late 3']) clock.setTimer(40, () => fired.push(name))
    for (const name of ['early 1', 'early 2']) clock.setTimer(10, () => fired.push(name))
    await elapse(100)
    expect(fired).toEqual(['early 1', 'early 2', 'late 1', 'late 2', 'late 3'])
  })

  it('cancels a timer, twice without complaint, and after it fired', async () => {
    const { clock, elapse } = makeClock()
    const fired: string[] = []
    const cancel = clock.setTimer(10, () => fired.push('cancelled'))
    const cancelFired = clock.setTimer(10, () => fired.push('kept'))
    cancel()
    cancel()
    await elapse(50)
    cancelFired()
    expect(fired).toEqual(['kept'])
  })

  it('lets one timer cancel another that is due, and set a new one', async () => {
    const { clock, elapse } = makeClock()
    const fired: string[] = []
    clock.setTimer(10, () => {
      fired.push('first')
      cancelSecond()
      clock.setTimer(10, () => fired.push('third'))
    })
    const cancelSecond = clock.setTimer(10, () => fired.push('second'))
    await elapse(100)
    expect(fired).toEqual(['first', 'third'])
  })

  it('keeps a timer of sixty days waiting', async () => {
    const { clock, elapse } = makeClock()
    let fired = false
    const cancel = clock.setTimer(60 * 24 * 3_600_000, () => (fired = true))
    await elapse(20)
    cancel()
    expect(fired).toBe(false)
  })
}
