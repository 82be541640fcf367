// `sessionmesh start`: a peer as a daemon, until SIGTERM or SIGINT.
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { Option, type Command } from 'commander'
import { pino } from 'pino'
import { SessionMeshError } from '../../crdt/errors.ts'
import type { PeerOptions } from '../config.ts'
import { loadConfig } from '../config-file.ts'
import { startDaemon, type Daemon } from '../daemon.ts'
import type { Log } from '../log.ts'
import { writeMeshKey } from '../mesh-key.ts'
import { systemRandom } from '../ports/random.ts'
import { HTTP_DEFAULT } from './verb.ts'

interface StartFlags {
  readonly name?: string
  readonly data?: string
  readonly listen?: string[]
  readonly bootstrap?: string[]
  readonly http?: string
  readonly meshKey?: string
  readonly config?: string
  readonly zone?: string
  readonly weight?: string
  readonly mdns?: boolean
  readonly logLevel: string
  readonly json?: boolean
}

const LOG_LEVELS = ['debug', 'info', 'warn', 'error']
const MESH_KEY_FILE = 'mesh.key'

export function registerStart(program: Command): void {
  program
    .command('start')
    .description('run a peer until SIGTERM (hands over first) or SIGINT')
    .option('--name <name>', "the peer's name (default: the host's)")
    .option('--data <dir>', 'where it keeps key, sessions and log (default: ./data/<name>)')
    .option('--listen <multiaddr...>', 'where other peers reach it (default: /ip4/127.0.0.1/tcp/0)')
    .option('--bootstrap <multiaddr...>', 'some members of the mesh')
    .option('--http <host:port>', `HTTP admin and y-websocket (default: ${HTTP_DEFAULT})`)
    .option('--mesh-key <file>', `key of the mesh (default: <data>/${MESH_KEY_FILE}, made on the first start)`)
    .option('--config <file>', 'settings in YAML or JSON; flags win over SESSIONMESH_* over the file')
    .option('--zone <zone>', 'failure domain: replicas are spread over zones')
    .option('--weight <n>', 'share of shards relative to other peers')
    .option('--mdns', 'find members on the local network')
    .option('--no-mdns', 'do not, whatever the file says')
    .addOption(new Option('--log-level <level>', 'what goes to stderr').choices(LOG_LEVELS).default('warn'))
    .option('--json', 'print one line of JSON when ready')
    .action(async (flags: StartFlags) => {
      const { options, madeKey } = prepare(flags)
      const daemon = await startDaemon(options, createLog(flags.logLevel))
      stopOnSignals(daemon)
      announce(daemon, options, madeKey, flags.json)
    })
}

function prepare(flags: StartFlags): { options: PeerOptions; madeKey: boolean } {
  const config = loadConfig({ file: flags.config, env: process.env, flags: flagOptions(flags) })
  const dataDir = config.dataDir ?? join('data', config.name)
  if (config.meshKey !== undefined || config.meshKeyFile !== undefined) {
    return { options: { ...config, dataDir }, madeKey: false }
  }
  const meshKeyFile = join(dataDir, MESH_KEY_FILE)
  const madeKey = !existsSync(meshKeyFile)
  if (madeKey && config.bootstrap.length > 0) {
    const message =
      'bootstrap: joining a mesh needs its key: name it with --mesh-key FILE (a new one would fit nowhere)'
    throw new SessionMeshError('INVALID_CONFIG', message)
  }
  mkdirSync(dataDir, { recursive: true })
  if (madeKey) writeMeshKey(meshKeyFile, systemRandom)
  return { options: { ...config, dataDir, meshKeyFile }, madeKey }
}

function flagOptions(flags: StartFlags): Record<string, unknown> {
  return {
    name: flags.name,
    dataDir: flags.data,
    listen: flags.listen,
    bootstrap: flags.bootstrap,
    http: flags.http === undefined ? undefined : parseHttp(flags.http),
    meshKeyFile: flags.meshKey,
    zone: flags.zone,
    weight: flags.weight === undefined ? undefined : Number(flags.weight),
    mdns: flags.mdns,
  }
}

/** @throws INVALID_ARGUMENT */
function parseHttp(text: string): { host: string; port: number } {
  const match = /^\[?([^\]]+?)\]?:(\d{1,5})$/.exec(text)
  if (match?.[1] === undefined) {
    throw new SessionMeshError('INVALID_ARGUMENT', `--http ${text}: expected HOST:PORT such as ${HTTP_DEFAULT}`)
  }
  return { host: match[1], port: Number(match[2]) }
}

function createLog(level: string): Log {
  const logger = pino({ level, base: null }, pino.destination(2))
  return (at, message, fields = {}) => logger[at](fields, message)
}

/** SIGTERM hands over and leaves, SIGINT just leaves the mesh in order; a second signal ends the process at once. */
function stopOnSignals(daemon: Daemon): void {
  let asked = false
  const stop = (before: Promise<void>) => {
    before
      .then(() => daemon.stop())
      .then(
        () => process.exit(0),
        (error: unknown) => {
          process.stderr.write(`sessionmesh: stopping failed: ${String(error)}\n`)
          process.exit(1)
        },
      )
  }
  const on = (signal: 'SIGTERM' | 'SIGINT', before: () => Promise<void>) => {
    process.on(signal, () => {
      if (asked) process.exit(1)
      asked = true
      stop(before())
    })
  }
  on('SIGTERM', () => daemon.drain())
  on('SIGINT', () => Promise.resolve())
}

function announce(daemon: Daemon, options: PeerOptions, madeKey: boolean, json: boolean | undefined): void {
  const { peer, url } = daemon
  if (json === true) {
    const ready = { ready: true, peer: peer.id, name: peer.name, boot: peer.boot, addresses: peer.addresses, http: url }
    process.stdout.write(`${JSON.stringify(ready)}\n`)
    return
  }
  const key = options.meshKeyFile ?? '<the mesh key file>'
  const lines = [
    `peer ${peer.name}  ${peer.id}`,
    ...peer.addresses.map((address) => `  peers      ${address}`),
    ...(url === undefined
      ? []
      : [`  http       ${url}/v1/status`, `  y-websocket ${url.replace('http', 'ws')}/<session id>`]),
    `  data       ${options.dataDir ?? '(memory)'}`,
    `  mesh key   ${key}${madeKey ? '  (new: copy it to every peer of the mesh)' : ''}`,
    'A second peer joins with',
    `  npm run sessionmesh -- start --name second --http 127.0.0.1:0 --mesh-key ${key} --bootstrap ${peer.addresses[0] ?? ''}`,
  ]
  process.stdout.write(`${lines.join('\n')}\n`)
}
