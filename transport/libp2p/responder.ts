// The answering half of direct requests: reads one message after the other from a stream that a peer opened, and writes
// the handler's answer to each. Anything that goes wrong resets the stream, which the asker sees as PEER_UNREACHABLE.

import type { Stream, StreamHandler } from '@libp2p/interface'
import { type PeerId, REQUEST_BYTES_MAX, type RequestHandler } from '../port.ts'
import type { Log } from './log.ts'
import { openChannel } from './requests.ts'

export function respondWith(
  protocol: string,
  handler: RequestHandler,
  isRunning: () => boolean,
  log: Log,
): StreamHandler {
  return (stream, connection) => {
    const from = connection.remotePeer.toString() as PeerId
    // Not awaited: libp2p counts the stream as being negotiated until this returns.
    void serve(stream, from, handler, isRunning).catch((error: unknown) => {
      const failure = error instanceof Error ? error : new Error(String(error))
      stream.abort(failure)
      if (isRunning()) log('warn', 'request not answered', { protocol, peer: from, reason: failure.message })
    })
  }
}

async function serve(stream: Stream, from: PeerId, handler: RequestHandler, isRunning: () => boolean): Promise<void> {
  const { messages } = openChannel(stream)
  for (;;) {
    const request = await messages.read().catch((error: unknown) => {
      // Between messages the asker may close the stream; with a part of a message read, that is an error too, but one
      // that there is nobody left to tell of.
      if (stream.status !== 'open' || stream.remoteWriteStatus !== 'writable') return undefined
      throw error
    })
    if (request === undefined || !isRunning()) return stream.abort(new Error('done'))
    const answer = await handler(from, request.subarray())
    if (!isRunning() || stream.status !== 'open') return stream.abort(new Error('done'))
    if (answer.length > REQUEST_BYTES_MAX) throw new Error(`answer of ${answer.length} bytes`)
    await messages.write(answer)
  }
}
