// A replica for bench/throughput.ts: one peer on disk, options as JSON in its first argument.
import { createInterface } from 'node:readline'
import { createPeer, type PeerOptions } from '../node/index.ts'

const peer = await createPeer(JSON.parse(process.argv[2] ?? '{}') as PeerOptions)
await peer.start()
process.stdout.write(`${JSON.stringify({ peer: peer.id })}\n`)
// Ends with its parent, however that ends.
createInterface({ input: process.stdin }).on('close', () => process.exit(0))
