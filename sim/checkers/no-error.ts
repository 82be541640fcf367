// A peer meets any fault of the menu without an error of its own: nothing thrown that nobody caught, nothing reported.
import { hasCode } from '../../crdt/index.ts'
import type { CheckerKind } from './checker.ts'

export const noError: CheckerKind = {
  name: 'no-error',
  promise: 'A peer meets every fault without an error of its own.',
  violatedWhen: 'a peer reports an error that no fault explains, or throws one that nobody catches',
  make: ({ world, faults }, report) => ({
    onError(machine, error) {
      // A store that fails because its disk does is told as what it is; so is content that rotted away, or that a full
      // disk did not take.
      if (hasCode(error, 'STORE_FAILED')) return
      const isBad = faults.fired.has('full-disk') || (world.machines.get(machine)?.disk.quarantined ?? 0) > 0
      if (isBad && isAboutDamage(error)) return
      report(`${machine}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`, [machine])
    },
  }),
}

function isAboutDamage(error: unknown): boolean {
  return /damaged|lost something on disk/.test(String(error))
}
