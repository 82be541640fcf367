// Work that needs the answer of another peer, and need not wait for one that membership knows to be gone: a request to a
// peer that died behind a broken link hangs until its own timeout, long after everybody else has carried on.
import { SessionMeshError } from '../../crdt/errors.ts'
import type { PeerId } from '../../transport/port.ts'
import type { Membership } from './membership.ts'

/** Settles as `work` does, unless the peer dies, leaves or starts anew before. @throws PEER_UNREACHABLE */
export async function whileAlive<T>(
  { events }: Pick<Membership, 'events'>,
  peer: PeerId,
  work: Promise<T>,
): Promise<T> {
  let stop = () => {}
  const gone = new Promise<never>((_resolve, reject) => {
    stop = events.on('change', (change) => {
      const isGone = change.to === 'dead' || change.to === 'left' || change.rebooted
      if (change.peer === peer && isGone) reject(new SessionMeshError('PEER_UNREACHABLE', `${peer} is gone`))
    })
  })
  try {
    return await Promise.race([work, gone])
  } finally {
    stop()
  }
}
