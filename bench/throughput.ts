// `npm run bench`: acknowledged updates per second of a mesh of three processes, against one gossip message per update
// over the same libp2p stack between three processes. Both in one run, on one machine: only the ratio means anything.
//
// The mesh does far more per update (two disks, documents, acknowledgements); it wins by sending many per message.
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { createPeer, type Session } from '../node/index.ts'
import { systemClock } from '../node/ports/clock.ts'
import { systemRandom } from '../node/ports/random.ts'
import { delay } from '../node/util/timers.ts'
import { createLibp2pTransport, generateIdentity } from '../transport/libp2p/index.ts'
import type { PeerId } from '../transport/port.ts'

const SESSIONS = 5_000
const ROUNDS = 5
const GOSSIP_MESSAGES = 2_000
const UPDATE_BYTES = 60
const SETTLE_MS = 2_000
const meshKey = Buffer.from(systemRandom.bytes(32)).toString('hex')
const root = join(import.meta.dirname, '..')

/** Starts a child that says one line of JSON when ready, and ends when its stdin closes. */
async function startChild<T>(args: readonly string[]): Promise<{ child: ChildProcess; ready: T }> {
  const child = spawn(process.execPath, [...process.execArgv, ...args], { stdio: ['pipe', 'pipe', 'inherit'] })
  if (child.stdout === null) throw new Error('a child without stdout')
  const line = await new Promise<string>((resolve) => createInterface({ input: child.stdout }).once('line', resolve))
  return { child, ready: JSON.parse(line) as T }
}

async function gossipPerSecond(): Promise<number> {
  const { privateKey } = await generateIdentity(systemRandom.bytes(32))
  const transport = createLibp2pTransport({
    privateKey,
    listen: ['/ip4/127.0.0.1/tcp/0'],
    bootstrap: [],
    mdns: false,
    meshName: 'bench',
    meshKey: Uint8Array.from(Buffer.from(meshKey, 'hex')),
  })
  await transport.start()
  transport.subscribe('updates', () => 'accept')
  const script = join(root, 'bench', 'gossip-peer.ts')
  const args = [script, meshKey, transport.addresses()[0] ?? '']
  const receivers = await Promise.all([1, 2].map(() => startChild<{ peer: PeerId }>(args)))
  await delay(systemClock, SETTLE_MS)
  const received = async () => {
    const counts = await Promise.all(
      receivers.map(({ ready }) => transport.request(ready.peer, 'count', new Uint8Array())),
    )
    return Math.min(...counts.map((bytes) => Number(new TextDecoder().decode(bytes))))
  }
  const update = new Uint8Array(UPDATE_BYTES)
  const start = systemClock.monotonic()
  for (let i = 0; i < GOSSIP_MESSAGES; i++) await transport.publish('updates', update)
  let arrived = await received()
  for (let idle = 0; arrived < GOSSIP_MESSAGES && idle < 20;) {
    const now = await received()
    idle = now === arrived ? idle + 1 : 0
    arrived = now
    await delay(systemClock, 10)
  }
  const seconds = (systemClock.monotonic() - start) / 1_000
  for (const { child } of receivers) child.stdin?.end()
  await transport.stop()
  return arrived / seconds
}

async function meshPerSecond(): Promise<{ rate: number; updatesPerFrame: number }> {
  const scratch = mkdtempSync(join(tmpdir(), 'sessionmesh-bench-'))
  const options = { meshKey, listen: ['/ip4/127.0.0.1/tcp/0'] }
  const peer = await createPeer({ ...options, name: 'a', dataDir: join(scratch, 'a') })
  await peer.start()
  const args = ['b', 'c'].map((name) => [
    join(root, 'bench', 'mesh-peer.ts'),
    JSON.stringify({ ...options, name, dataDir: join(scratch, name), bootstrap: peer.addresses }),
  ])
  const replicas = await Promise.all(args.map((each) => startChild(each)))
  try {
    await delay(systemClock, SETTLE_MS)
    const created = await Promise.all(Array.from({ length: SESSIONS }, () => peer.sessions.create()))
    const sessions: Session[] = created.map(({ session }) => session)
    const before = peer.replication.status()
    const start = systemClock.monotonic()
    // Every session has one write under way at a time, as its client would.
    const receipts = await Promise.all(
      sessions.map(async (session) => {
        let degraded = 0
        for (let round = 0; round < ROUNDS; round++) {
          const receipt = await session.set('value', 'x'.repeat(UPDATE_BYTES / 2) + round)
          if (receipt.degraded) degraded++
        }
        return degraded
      }),
    )
    const seconds = (systemClock.monotonic() - start) / 1_000
    const degraded = receipts.reduce((sum, count) => sum + count, 0)
    if (degraded > 0) throw new Error(`${degraded} writes were acknowledged by fewer than two disks`)
    const after = peer.replication.status()
    const frames = after.framesPublished - before.framesPublished
    const updates = after.updatesPublished - before.updatesPublished
    return { rate: (SESSIONS * ROUNDS) / seconds, updatesPerFrame: updates / frames }
  } finally {
    for (const { child } of replicas) child.stdin?.end()
    await peer.stop()
    rmSync(scratch, { recursive: true, force: true })
  }
}

const baseline = await gossipPerSecond()
const { rate, updatesPerFrame } = await meshPerSecond()
const result = {
  gossipMessagesPerSecond: Math.round(baseline),
  acknowledgedUpdatesPerSecond: Math.round(rate),
  ratio: Math.round((rate / baseline) * 10) / 10,
  updatesPerFrame: Math.round(updatesPerFrame),
}
process.stdout.write(`${JSON.stringify(result)}\n`)
process.exit(0)
