// All mutants.
import { BACKUP_MUTANTS } from './backup-mutants.ts'
import { MEMBERSHIP_MUTANTS } from './membership-mutants.ts'
import type { Mutant } from './mutant.ts'
import { REPLICATION_MUTANTS } from './replication-mutants.ts'
import { SESSION_MUTANTS } from './session-mutants.ts'

export const MUTANTS: readonly Mutant[] = [
  ...REPLICATION_MUTANTS,
  ...SESSION_MUTANTS,
  ...BACKUP_MUTANTS,
  ...MEMBERSHIP_MUTANTS,
]
