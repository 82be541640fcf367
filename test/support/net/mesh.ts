// A mesh of real peers, each in a network namespace of its own, laid out as a plan of the simulator says.
import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Plan, PlannedMachine } from '../../../sim/plan/plan.ts'
import { isFormed } from '../mesh.ts'
import { PeerProcess } from '../peer-process.ts'
import { waitFor } from '../wait.ts'
import { Network } from './network.ts'
import type { LinkShape } from './slow-link.ts'
import { SlowZones } from './slow-zones.ts'

const PORT = 7600
const TOKEN = 'any-token-of-some-length'
const FORM_TIMEOUT_MS = 60_000

export interface NetMesh {
  readonly network: Network
  readonly peers: ReadonlyMap<string, PeerProcess>
  /** Undefined: they are as quick as links within a zone. */
  readonly betweenZones: SlowZones | undefined
  /** @throws Error for a name that no machine has */
  peer(name: string): PeerProcess
  /** URL of a session in a peer's y-websocket gateway. */
  room(name: string, session: string): string
  /** Where the store of a peer's sessions lies. */
  storeOf(name: string): string
  /** Ends every process, and removes all that was made. */
  close(): Promise<void>
}

/** Resolves when all peers see each other alive. @param betweenZones @default links as quick as within a zone */
export async function startNetMesh(
  { machines, peer: settings }: Pick<Plan, 'machines' | 'peer'>,
  betweenZones?: LinkShape,
): Promise<NetMesh> {
  const names = machines.map(({ name }) => name)
  const root = await mkdtemp(join(tmpdir(), 'sessionmesh-net-'))
  const meshKeyFile = join(root, 'mesh.key')
  await writeFile(meshKeyFile, `${randomBytes(32).toString('hex')}\n`)
  const network = await Network.make(names)
  const slow = betweenZones === undefined ? undefined : await SlowZones.lay(network, machines, PORT, betweenZones)
  const addressOf = (name: string) => `/ip4/${network.address(name)}/tcp/${PORT}`

  function makePeer({ name, zone, weight }: PlannedMachine): PeerProcess {
    const env = {
      SESSIONMESH_ZONE: zone,
      SESSIONMESH_WEIGHT: String(weight),
      SESSIONMESH_SHARD_COUNT: String(settings.shardCount),
      SESSIONMESH_REPLICATION_FACTOR: String(settings.replicationFactor),
      SESSIONMESH_HYDRATED_SESSIONS_MAX: String(settings.hydratedSessionsMax),
    }
    const bootstrap = () => names.filter((other) => other !== name).map(addressOf)
    const logLevel = process.env['NET_LOGS'] === undefined ? 'warn' : 'info'
    const where = { host: network.address(name), port: PORT, within: network.within(name), httpToken: TOKEN }
    return new PeerProcess({ name, dir: join(root, name), meshKeyFile, bootstrap, env, logLevel, ...where })
  }

  const peers = new Map(machines.map((machine) => [machine.name, makePeer(machine)]))
  const mesh: NetMesh = {
    network,
    peers,
    betweenZones: slow,
    peer(name) {
      const peer = peers.get(name)
      if (peer === undefined) throw new Error(`there is no peer ${name}`)
      return peer
    },
    room: (name, session) => `${mesh.peer(name).ws}/${encodeURIComponent(session)}?token=${TOKEN}`,
    storeOf: (name) => join(root, name, 'data', 'store'),
    async close() {
      await Promise.all([...peers.values()].map((peer) => peer.kill()))
      await keepLogs([...peers.values()])
      slow?.close()
      await network.remove()
      await rm(root, { recursive: true, force: true, maxRetries: 3 })
    },
  }
  try {
    for (const name of names) await mkdir(join(root, name))
    await Promise.all([...peers.values()].map((peer) => peer.start()))
    await waitFor(() => isFormed([...peers.values()]), {
      timeoutMs: FORM_TIMEOUT_MS,
      what: `a mesh of ${names.join(', ')}`,
    })
  } catch (error) {
    await mesh.close()
    throw error
  }
  return mesh
}

/** For whoever wants to know why: `NET_LOGS=DIR npm run test:net`. */
async function keepLogs(peers: readonly PeerProcess[]): Promise<void> {
  const directory = process.env['NET_LOGS']
  if (directory === undefined) return
  for (const { name, stderr } of peers)
    await writeFile(join(directory, `${peers.length}-${Math.round(performance.now())}-${name}.log`), stderr)
}
