// The mesh key's wrapping: libp2p's pre-shared-key network, with two faults of @libp2p/pnet 3.0.27 held off. Its cipher
// (xsalsa20) lives in one small WebAssembly memory that all connections share. A chunk larger than that memory makes it
// grow, each growth makes every other cipher grow it again, and at the limit the process dies by an uncaught RangeError;
// and every connection takes two places in it that are never given back, so that some 4,500 connections, strangers'
// included, end the same way. Both are mended upstream (libp2p/js-libp2p#3585) but not released: drop this file then.

import type { AbortOptions, ComponentLogger, ConnectionProtector, MessageStream } from '@libp2p/interface'
import { preSharedKey } from '@libp2p/pnet'
import { pskFile } from './mesh.ts'

/** Far below the cipher's memory of 640 KiB; sockets bring no more at once either. */
const CHUNK_BYTES_MAX = 64 * 1024

interface Cipher {
  update(bytes: Uint8Array): Uint8Array
  finalize?(): void
}

/** What pnet's stream has beyond its interface. */
interface PnetStream {
  maxMessageSize?: number
  inboundXor?: Cipher
  outboundXor?: Cipher
}

const closedCipher: Cipher = { update: () => new Uint8Array(0) }

export function meshProtector(meshKey: Uint8Array): (components: { logger: ComponentLogger }) => ConnectionProtector {
  const createProtector: (components: { logger: ComponentLogger }) => ConnectionProtector = preSharedKey({
    psk: pskFile(meshKey),
  })
  return (components) => {
    const protector = createProtector(components)
    return {
      async protect(connection: MessageStream, options?: AbortOptions): Promise<MessageStream> {
        const stream = await protector.protect(connection, options)
        const pnetStream = stream as unknown as PnetStream
        pnetStream.maxMessageSize = CHUNK_BYTES_MAX
        stream.addEventListener('close', () => giveBack(pnetStream), { once: true })
        return stream
      },
    }
  }
}

/** Wipes the keys and frees their places. Whatever still passes through a closed stream becomes nothing. */
function giveBack(stream: PnetStream): void {
  stream.inboundXor?.finalize?.()
  stream.outboundXor?.finalize?.()
  stream.inboundXor = closedCipher
  stream.outboundXor = closedCipher
}
