// A peer meets any fault of the menu without an error of its own: nothing thrown that nobody caught, nothing reported.
import { hasCode } from '../../crdt/index.ts'
import type { CheckerKind } from './checker.ts'

export const noError: CheckerKind = {
  name: 'no-error',
  violatedWhen: 'a peer reports an error that no fault explains, or throws one that nobody catches',
  make: (_scene, report) => ({
    onError(machine, error) {
      // A store that fails because its disk does is told as what it is.
      if (hasCode(error, 'STORE_FAILED')) return
      report(`${machine}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`, [machine])
    },
  }),
}
