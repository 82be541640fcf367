// A receiver for the baseline of bench/throughput.ts: one libp2p node that counts gossip messages.
import { createInterface } from 'node:readline'
import { createLibp2pTransport, generateIdentity } from '../transport/libp2p/index.ts'
import { systemRandom } from '../node/ports/random.ts'

const [meshKey = '', bootstrap = ''] = process.argv.slice(2)
const { privateKey } = await generateIdentity(systemRandom.bytes(32))
const transport = createLibp2pTransport({
  privateKey,
  listen: ['/ip4/127.0.0.1/tcp/0'],
  bootstrap: bootstrap === '' ? [] : [bootstrap],
  mdns: false,
  meshName: 'bench',
  meshKey: Uint8Array.from(Buffer.from(meshKey, 'hex')),
})
let count = 0
transport.handle('count', async () => new TextEncoder().encode(String(count)))
await transport.start()
transport.subscribe('updates', () => {
  count++
  return 'accept'
})
process.stdout.write(`${JSON.stringify({ peer: transport.self, address: transport.addresses()[0] })}\n`)
// Ends with its parent, however that ends.
createInterface({ input: process.stdin }).on('close', () => process.exit(0))
