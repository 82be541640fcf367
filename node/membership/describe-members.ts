// The mesh as a peer's user sees it: itself first, then everyone it has heard of.
import type { Member } from '../api.ts'
import type { MemberRecord } from './view.ts'

/** What the peer says of itself. */
export type Self = Omit<Member, 'status' | 'self' | 'homes' | 'silentMs'>

/** @param homes known sessions by home, peer id to count. @param now monotonic ms */
export function describeMembers(
  self: Self,
  records: readonly MemberRecord[],
  homes: Readonly<Record<string, number>>,
  now: number,
): Member[] {
  const others = records.map((record) => describeMember(record, homes[record.info.peer] ?? 0, now))
  return [{ ...self, status: 'alive', self: true, homes: homes[self.peer] ?? 0, silentMs: 0 }, ...others]
}

/** Another than the peer itself. */
export function describeMember({ info, status, lastHeard }: MemberRecord, homes: number, now: number): Member {
  const { peer, name, boot, zone, weight, draining, delegate, addresses, sessions } = info
  const silentMs = Math.max(0, Math.round(now - lastHeard))
  const base = { peer, name, boot, zone, weight, draining, delegate, addresses, sessions }
  return { ...base, status, self: false, homes, silentMs }
}
