// One visit to a session through a peer's y-websocket gateway: take in what is there, change it, and see that the peer has
// the change. That door tells nobody on how many disks a change is, so nothing that is done here is acknowledged.
import { once } from 'node:events'
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import { WebSocket } from 'ws'
import * as sync from 'y-protocols/sync'
import * as Y from 'yjs'

const SYNC = 0
const PATIENCE_MS = 15_000

/** Thrown with the gateway's code when it ends the visit. */
class DoorClosed extends Error {
  readonly code: string

  constructor(code: number, reason: string) {
    super(`closed with ${code} ${reason}`)
    this.code = `CLOSED_${code}`
  }
}

/** @throws DoorClosed if the gateway closes before the peer has the change */
export async function visit(url: string, change: (doc: Y.Doc) => void): Promise<void> {
  const doc = new Y.Doc()
  const socket = new WebSocket(url)
  const signal = AbortSignal.timeout(PATIENCE_MS)
  const closed = once(socket, 'close', { signal }).then(([code, reason]) => {
    throw new DoorClosed(Number(code), String(reason))
  })
  closed.catch(() => {}) // looked at where it is raced
  try {
    await Promise.race([once(socket, 'open', { signal }), closed])
    const state = ask(socket, doc)
    await Promise.race([state, closed])
    doc.on('update', (update: Uint8Array, origin: unknown) => {
      if (origin !== socket) send(socket, (encoder) => sync.writeUpdate(encoder, update))
    })
    change(doc)
    // The gateway takes messages in their order: what it answers now has the change.
    await Promise.race([ask(socket, doc), closed])
  } finally {
    socket.terminate()
  }
}

/** Asks for all that `doc` lacks; resolves when it has been taken in. */
function ask(socket: WebSocket, doc: Y.Doc): Promise<void> {
  return new Promise((resolve) => {
    const receive = (bytes: Buffer) => {
      const decoder = decoding.createDecoder(new Uint8Array(bytes))
      if (decoding.readVarUint(decoder) !== SYNC) return
      const answer = encoding.createEncoder()
      const kind = sync.readSyncMessage(decoder, answer, doc, socket)
      if (kind === sync.messageYjsSyncStep1)
        send(socket, (encoder) => encoding.writeUint8Array(encoder, encoding.toUint8Array(answer)))
      if (kind !== sync.messageYjsSyncStep2) return
      socket.off('message', receive)
      resolve()
    }
    socket.on('message', receive)
    send(socket, (encoder) => sync.writeSyncStep1(encoder, doc))
  })
}

function send(socket: WebSocket, write: (encoder: encoding.Encoder) => void): void {
  const encoder = encoding.createEncoder()
  encoding.writeVarUint(encoder, SYNC)
  write(encoder)
  socket.send(encoding.toUint8Array(encoder))
}
