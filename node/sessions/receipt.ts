// What a write returns. Its token is written down when somebody reads it: most writers never do.
import { formatToken, type CausalToken } from '../../crdt/index.ts'
import type { Receipt } from '../api.ts'
import type { Copies } from '../replication/durability.ts'

/** @param held what the session held with this write: what others add later may yet be lost */
export function receiptOf({ session, copies, degraded, peers }: Copies, held: CausalToken): Receipt {
  let text: string | undefined
  return {
    session,
    copies,
    degraded,
    peers,
    get token() {
      return (text ??= formatToken(session, held))
    },
  }
}
