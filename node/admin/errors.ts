// How the admin spells an error.
import { hasCode } from '../../crdt/errors.ts'

export function describeError(error: unknown): { code: string; message: string } {
  if (hasCode(error)) return { code: error.code, message: error.message }
  return { code: 'INTERNAL', message: error instanceof Error ? error.message : String(error) }
}
