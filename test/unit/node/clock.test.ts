// The system clock keeps the clock contract.

import { systemClock } from '../../../node/ports/clock.ts'
import { runClockContract } from '../../contract/clock.contract.ts'

runClockContract('system', () => ({
  clock: systemClock,
  // Set after the timers it lets fire, and a little later, so that they have fired.
  elapse: (ms) => new Promise((resolve) => systemClock.setTimer(ms + 2, resolve)),
}))
