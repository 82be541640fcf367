// `npm run bench`: acknowledged updates per second of a mesh of three processes, against one gossip message per update
// over the same libp2p stack between three processes. The two take turns within one run on one machine, so that whatever
// else the machine does hits both: only the ratio means anything.
//
// The mesh does far more per update (two disks, documents, acknowledgements); it wins by sending many per message.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import { print } from '../node/cli/print.ts'
import { createShow, type Show } from '../node/demo/show.ts'
import { waitFor } from '../node/demo/waits.ts'
import { systemClock } from '../node/ports/clock.ts'
import { systemRandom } from '../node/ports/random.ts'
import { Child } from './child.ts'
import { report, type GossipTurn, type MeshTurn, type Report, type Round } from './report.ts'
import { Trio } from './trio.ts'

/** About the size of the update that a mesh's write below makes. */
const MESSAGE_BYTES = 60
const VALUE_BYTES = 30

interface Flags {
  readonly writers: string
  readonly rounds: string
  readonly seconds: string
  readonly json?: boolean
}

interface Content {
  readonly sessions: number
  readonly hash: string
}

interface Load {
  readonly writers: number
  readonly rounds: number
  readonly seconds: number
}

async function run(load: Load, scratch: string, show: Show): Promise<Report> {
  const meshKey = Buffer.from(systemRandom.bytes(32)).toString('hex')
  const peerOptions = (name: string, bootstrap: readonly string[] = []) => {
    return { name, meshKey, bootstrap, listen: ['/ip4/127.0.0.1/tcp/0'], dataDir: join(scratch, name) }
  }
  show.step('starting three gossip processes and three peers')
  const gossip = await Trio.start('gossip-peer.ts', (_name, bootstrap) => ({ meshKey, bootstrap }))
  const mesh = await Trio.start('mesh-peer.ts', peerOptions)
  show.step(`creating ${load.writers} sessions and warming up`)
  await mesh.writer.ask('createSessions', load.writers)
  await takeTurns(gossip, mesh, load)
  const rounds: Round[] = []
  const bar = show.bar('gossip and mesh by turns', load.rounds)
  for (let round = 0; round < load.rounds; round++) {
    rounds.push(await takeTurns(gossip, mesh, load))
    bar.tick()
  }
  bar.done()
  await gossip.end()
  show.step('comparing what the peers hold, in memory and then from their disks')
  const content = await equalContent(mesh)
  await mesh.end()
  for (const name of ['a', 'b', 'c']) {
    const alone = new Child('mesh-peer.ts', peerOptions(name))
    await waitFor(`the disk of ${name} to hold the same`, async () => {
      return (await alone.ask<Content>('content')).hash === content.hash
    })
    await alone.end()
  }
  return report(rounds, load.writers)
}

async function takeTurns(gossip: Trio, mesh: Trio, { seconds }: Load): Promise<Round> {
  const message = { seconds, bytes: MESSAGE_BYTES, receivers: gossip.receivers }
  return {
    gossip: await measured(gossip, () => gossip.writer.ask<GossipTurn>('publish', message)),
    mesh: await measured(mesh, () => meshTurn(mesh, seconds)),
  }
}

/**
 * What a mesh puts off while it is busy, applying updates to documents nobody has open and digesting them, belongs to the
 * turn: it would otherwise be done in the baseline's.
 */
async function meshTurn(mesh: Trio, seconds: number): Promise<MeshTurn> {
  const turn = await mesh.writer.ask<MeshTurn>('write', { seconds, bytes: VALUE_BYTES })
  const start = systemClock.monotonic()
  await Promise.all(mesh.all.map((child) => child.ask('content')))
  return { ...turn, seconds: turn.seconds + (systemClock.monotonic() - start) / 1_000 }
}

async function measured<T>(trio: Trio, turn: () => Promise<T>): Promise<T & { cpuMicroseconds: number }> {
  const before = await trio.cpuMicroseconds()
  const result = await turn()
  return { ...result, cpuMicroseconds: (await trio.cpuMicroseconds()) - before }
}

/** What all peers hold, once it is the same. @throws REQUEST_TIMEOUT if they don't come to */
async function equalContent(mesh: Trio): Promise<Content> {
  let contents: Content[] = []
  await waitFor('the peers to hold equal content', async () => {
    contents = await Promise.all(mesh.all.map((child) => child.ask<Content>('content')))
    return new Set(contents.map(({ hash }) => hash)).size === 1
  })
  const [content] = contents
  if (content === undefined || content.sessions === 0) throw new Error('the peers hold nothing')
  return content
}

function whole(text: string, option: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1) throw new Error(`${option} ${text}: expected a whole number from 1`)
  return value
}

async function main(flags: Flags): Promise<void> {
  const load = {
    writers: whole(flags.writers, '--writers'),
    rounds: whole(flags.rounds, '--rounds'),
    seconds: whole(flags.seconds, '--seconds'),
  }
  const scratch = mkdtempSync(join(tmpdir(), 'sessionmesh-bench-'))
  try {
    const result = await run(load, scratch, createShow(flags.json === true))
    print(result, flags.json)
    if (result.degradedReceipts > 0) throw new Error(`${result.degradedReceipts} writes came back with one copy only`)
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

await new Command('bench')
  .description('acknowledged updates of a mesh of three processes against one gossip message per update')
  .option('--writers <n>', 'sessions, each with one write under way at a time', '5000')
  .option('--rounds <n>', 'turns of each, after one to warm up', '4')
  .option('--seconds <n>', 'length of a turn', '4')
  .option('--json', 'print one JSON object and nothing else')
  .action(main)
  .parseAsync()
  .catch((error: unknown) => {
    process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`)
    // The processes end with this one.
    process.exit(1)
  })
