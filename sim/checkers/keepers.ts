// Who is there to keep sessions, as a peer sees it.
import type { Member } from '../../node/api.ts'

/** Members that live, or may. */
export function living(members: readonly Member[]): readonly Member[] {
  return members.filter(({ status }) => status === 'alive' || status === 'suspect')
}

/** Whether one of them is to keep nothing. */
export function isDrained(members: readonly Member[]): boolean {
  return living(members).some(({ draining }) => draining)
}

/** How many replicas each shard has at least. Who drains is none; the delegate that stands in for it may be one anyway. */
export function replicasMin(members: readonly Member[], factor: number | 'all'): number {
  const alive = living(members)
  const staying = alive.filter(({ draining, delegate }) => !draining || delegate !== null)
  const among = staying.length > 0 ? staying : alive
  const places = factor === 'all' ? among.length : Math.min(factor, among.length)
  return Math.max(1, places - staying.filter(({ draining }) => draining).length)
}
