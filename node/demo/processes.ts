// Real peer processes for the demos: started by this very command line, killed by pid.
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, extname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { SessionMeshError } from '../../crdt/errors.ts'
import { AdminClient } from '../cli/client.ts'
import { writeMeshKey } from '../mesh-key.ts'
import { systemRandom } from '../ports/random.ts'

const MAIN = join(dirname(import.meta.dirname), 'cli', `main${extname(import.meta.filename)}`)
const STDERR_KEPT = 4_000

export interface PeerProcess {
  readonly name: string
  readonly peer: string
  readonly boot: string
  readonly addresses: readonly string[]
  readonly client: AdminClient
  readonly child: ChildProcess
}

interface Ready {
  readonly peer: string
  readonly boot: string
  readonly addresses: readonly string[]
  readonly http: string
}

/** A mesh of processes in a temporary folder. */
export class ProcessMesh {
  readonly #directory = mkdtempSync(join(tmpdir(), 'sessionmesh-demo-'))
  readonly #keyFile = join(this.#directory, 'mesh.key')
  readonly #running = new Map<string, PeerProcess>()
  /** Of every peer that ever ran: one that comes back listens where it did, and is looked for there. */
  readonly #addresses = new Map<string, readonly string[]>()

  constructor() {
    writeMeshKey(this.#keyFile, systemRandom)
  }

  peers(): readonly PeerProcess[] {
    return [...this.#running.values()]
  }

  /** Starts a peer, or starts it again with the data it left. @throws PEER_NOT_RUNNING with what it said */
  async start(name: string): Promise<PeerProcess> {
    const others = [...this.#addresses].filter(([other]) => other !== name)
    const bootstrap = others.flatMap(([, addresses]) => addresses.slice(0, 1))
    const listen = this.#addresses.get(name)?.[0]?.replace(/\/p2p\/.*$/, '') ?? '/ip4/127.0.0.1/tcp/0'
    const child = spawn(
      process.execPath,
      [
        ...[MAIN, 'start', '--json', '--name', name, '--data', join(this.#directory, name), '--http', '127.0.0.1:0'],
        ...['--listen', listen, '--mesh-key', this.#keyFile, '--log-level', 'error'],
        ...(bootstrap.length === 0 ? [] : ['--bootstrap', ...bootstrap]),
      ],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    )
    const ready = await readReady(child, name)
    const { peer, boot, addresses, http } = ready
    const started = { name, peer, boot, addresses, client: new AdminClient({ http }), child }
    this.#running.set(name, started)
    this.#addresses.set(name, addresses)
    return started
  }

  /** SIGKILL: the process gets no chance to say anything to anyone. */
  kill(name: string): PeerProcess {
    const peer = this.#running.get(name)
    if (peer === undefined) throw new SessionMeshError('PEER_NOT_FOUND', `no running peer ${name}`)
    peer.child.kill('SIGKILL')
    this.#running.delete(name)
    return peer
  }

  /** Ends every process and removes their data. */
  async close(): Promise<void> {
    await Promise.all(
      this.peers().map(({ child }) => {
        const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
        child.kill('SIGKILL')
        return gone
      }),
    )
    this.#running.clear()
    rmSync(this.#directory, { recursive: true, force: true })
  }
}

function readReady(child: ChildProcess, name: string): Promise<Ready> {
  let said = ''
  child.stderr?.on('data', (text: Buffer) => {
    said = (said + text.toString()).slice(-STDERR_KEPT)
  })
  return new Promise((resolve, reject) => {
    child.once('exit', (code) =>
      reject(new SessionMeshError('PEER_NOT_RUNNING', `peer ${name} ended with ${code ?? 'a signal'}: ${said.trim()}`)),
    )
    if (child.stdout === null) return
    createInterface({ input: child.stdout }).once('line', (line) => resolve(JSON.parse(line) as Ready))
  })
}
