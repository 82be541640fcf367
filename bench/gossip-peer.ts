// A process of the baseline: a bare libp2p node, set up as the mesh sets up its own, that publishes or counts messages.
// All three are connected with each other, as peers of a mesh are.
import { childOptions, serveCommands } from './child.ts'
import { systemClock } from '../node/ports/clock.ts'
import { systemRandom } from '../node/ports/random.ts'
import { delay } from '../node/util/timers.ts'
import { createLibp2pTransport, generateIdentity } from '../transport/libp2p/index.ts'
import type { PeerId } from '../transport/port.ts'

const TOPIC = 'updates'
/** Looks at a receiver's count without news after which what has not arrived counts as lost. */
const IDLE_LOOKS_MAX = 50
const LOOK_INTERVAL_MS = 10
/** Messages after which the publisher looks how far the receivers are: queues without end would measure memory. */
const WINDOW = 1_000

const { meshKey, bootstrap } = childOptions<{ meshKey: string; bootstrap: readonly string[] }>()
const { privateKey } = await generateIdentity(systemRandom.bytes(32))
const transport = createLibp2pTransport({
  privateKey,
  listen: ['/ip4/127.0.0.1/tcp/0'],
  bootstrap,
  mdns: false,
  meshName: 'bench',
  meshKey: Uint8Array.from(Buffer.from(meshKey, 'hex')),
})
let received = 0
transport.handle('count', async () => new TextEncoder().encode(String(received)))
await transport.start()
transport.subscribe(TOPIC, () => {
  received++
  return 'accept'
})

/** A receiver with a long queue of messages answers late. */
const COUNT_TIMEOUT_MS = 60_000

/** Messages that both receivers have by now. */
async function arrived(receivers: readonly PeerId[]): Promise<number> {
  const counts = await Promise.all(
    receivers.map((peer) => transport.request(peer, 'count', new Uint8Array(), { timeoutMs: COUNT_TIMEOUT_MS })),
  )
  return Math.min(...counts.map((bytes) => Number(new TextDecoder().decode(bytes))))
}

/**
 * Publishes one message after the other for so long, never more than two windows ahead of the receivers, then waits for
 * them; the time of that counts too.
 */
async function publish(work: { seconds: number; bytes: number; receivers: PeerId[] }): Promise<object> {
  const update = new Uint8Array(work.bytes)
  const before = await arrived(work.receivers)
  const received = async (wanted: number): Promise<number> => {
    let messages = (await arrived(work.receivers)) - before
    for (let idle = 0; messages < wanted && idle < IDLE_LOOKS_MAX;) {
      await delay(systemClock, LOOK_INTERVAL_MS)
      const now = (await arrived(work.receivers)) - before
      idle = now === messages ? idle + 1 : 0
      messages = now
    }
    return messages
  }
  const start = systemClock.monotonic()
  let published = 0
  while (systemClock.monotonic() - start < work.seconds * 1_000) {
    await transport.publish(TOPIC, update)
    if (++published % WINDOW === 0) await received(published - WINDOW)
  }
  return { messages: await received(published), seconds: (systemClock.monotonic() - start) / 1_000 }
}

await serveCommands({
  identify: () => ({ peer: transport.self, addresses: transport.addresses() }),
  ready: () => transport.peers().length,
  publish,
})
