// Who is there to keep sessions, as a peer sees it.
import type { Member } from '../../node/api.ts'

/** Members that live, or may. */
export function living(members: readonly Member[]): readonly Member[] {
  return members.filter(({ status }) => status === 'alive' || status === 'suspect')
}

/** Of them, those that are not to keep nothing: who drains without a delegate, unless all do. */
export function keepers(members: readonly Member[]): readonly Member[] {
  const alive = living(members)
  const staying = alive.filter(({ draining, delegate }) => !draining || delegate !== null)
  return staying.length > 0 ? staying : alive
}
