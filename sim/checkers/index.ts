// All checkers, in the order in which they are told of things.
import { convergence } from './convergence.ts'
import { durableAck } from './durable-ack.ts'
import { noError } from './no-error.ts'
import { noLostWrite } from './no-lost-write.ts'
import type { CheckerKind } from './checker.ts'

export const CHECKERS: readonly CheckerKind[] = [noError, durableAck, convergence, noLostWrite]
