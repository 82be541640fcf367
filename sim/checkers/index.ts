// All checkers, in the order in which they are told of things.
import { adopted } from './adopted.ts'
import { availability } from './availability.ts'
import { bounded } from './bounded.ts'
import { causalTokens } from './causal-tokens.ts'
import type { CheckerKind } from './checker.ts'
import { convergence } from './convergence.ts'
import { deleted } from './deleted.ts'
import { detection } from './detection.ts'
import { diskSafety } from './disk-safety.ts'
import { durableAck } from './durable-ack.ts'
import { falseDeath } from './false-death.ts'
import { lifetime } from './lifetime.ts'
import { membership } from './membership.ts'
import { noEarlyRelease } from './no-early-release.ts'
import { noError } from './no-error.ts'
import { noInvention } from './no-invention.ts'
import { noLostWrite } from './no-lost-write.ts'
import { noResurrection } from './no-resurrection.ts'
import { oneHome } from './one-home.ts'
import { quiescence } from './quiescence.ts'
import { rebuilt } from './rebuilt.ts'
import { receipt } from './receipt.ts'
import { restored } from './restored.ts'
import { served } from './served.ts'
import { sessionGuarantees } from './session-guarantees.ts'
import { uniqueIds } from './unique-ids.ts'

export const CHECKERS: readonly CheckerKind[] = [
  noError,
  durableAck,
  noEarlyRelease,
  receipt,
  noLostWrite,
  diskSafety,
  uniqueIds,
  convergence,
  served,
  rebuilt,
  restored,
  deleted,
  noResurrection,
  lifetime,
  noInvention,
  sessionGuarantees,
  causalTokens,
  availability,
  oneHome,
  adopted,
  membership,
  falseDeath,
  detection,
  bounded,
  quiescence,
]
