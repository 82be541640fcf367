// One real peer: `sessionmesh start` in a process of its own, with signals as the only way to hurt it.
// A restart keeps data directory, address and HTTP port, as a supervisor on an edge node would.
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { HttpClient } from './http.ts'

const ROOT = join(import.meta.dirname, '../..')
const NODE = join(ROOT, 'node_modules/.bin/node')
const READY_TIMEOUT_MS = 60_000

interface Ready {
  readonly peer: string
  readonly boot: string
  readonly addresses: readonly string[]
  readonly http: string
}

export interface PeerProcessOptions {
  readonly name: string
  readonly dir: string
  readonly meshKeyFile: string
  /** Asked at every start. */
  readonly bootstrap: () => readonly string[]
  /** Address that it listens on, for peers and for HTTP. @default 127.0.0.1 */
  readonly host?: string
  /** Of the peers' listener. @default 0: a free one */
  readonly port?: number
  /** Asked of everyone on any address but loopback. */
  readonly httpToken?: string
  /** Further settings, as SESSIONMESH_* variables. */
  readonly env?: Readonly<Record<string, string>>
  /** How much it writes to stderr. @default warn */
  readonly logLevel?: 'info' | 'warn'
  /** A command that runs the one after it, elsewhere: `ip netns exec NAME`. */
  readonly within?: readonly string[]
}

export class PeerProcess {
  readonly name: string
  readonly dir: string
  readonly client: HttpClient
  readonly #options: PeerProcessOptions
  #child: ChildProcess | undefined
  #ready: Ready | undefined
  #exited: Promise<unknown> = Promise.resolve()
  #stderr = ''

  constructor(options: PeerProcessOptions) {
    this.name = options.name
    this.dir = options.dir
    this.#options = options
    this.client = new HttpClient(() => this.http, options.httpToken)
  }

  get child(): ChildProcess {
    if (this.#child === undefined) throw new Error(`peer ${this.name} has no process`)
    return this.#child
  }

  get pid(): number {
    const { pid } = this.child
    if (pid === undefined) throw new Error(`peer ${this.name} has no process id`)
    return pid
  }

  get alive(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** Base URL of its HTTP admin. */
  get http(): string {
    return this.#known().http
  }

  /** Base URL of its y-websocket gateway. */
  get ws(): string {
    return this.http.replace('http', 'ws')
  }

  get peer(): string {
    return this.#known().peer
  }

  get boot(): string {
    return this.#known().boot
  }

  get addresses(): readonly string[] {
    return this.#ready?.addresses ?? []
  }

  /** What it wrote to stderr since its last start. */
  get stderr(): string {
    return this.#stderr
  }

  /** Resolves once it says that it is ready. */
  async start(): Promise<void> {
    if (this.alive) throw new Error(`peer ${this.name} runs already`)
    const { within = [], env = {}, httpToken } = this.#options
    const [command = NODE, ...words] = [...within, NODE, join(ROOT, 'node/cli/main.ts'), ...this.#arguments()]
    const child = spawn(command, words, {
      cwd: this.dir,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env, ...(httpToken === undefined ? {} : { SESSIONMESH_HTTP_TOKEN: httpToken }) },
    })
    this.#child = child
    this.#stderr = ''
    child.stderr.on('data', (chunk: Buffer) => (this.#stderr += chunk.toString()))
    this.#exited = once(child, 'exit')
    const first = once(createInterface({ input: child.stdout }), 'line', {
      signal: AbortSignal.timeout(READY_TIMEOUT_MS),
    })
    const ended = this.#exited.then(() => {
      throw new Error(`peer ${this.name} ended before it was ready: ${this.#stderr}`)
    })
    const [line] = (await Promise.race([first, ended])) as [string]
    ended.catch(() => {}) // it ends some day: no longer of interest here
    this.#ready = JSON.parse(line) as Ready
  }

  /** SIGKILL: nothing is written or said any more. Resolves when the process is gone. */
  async kill(): Promise<void> {
    if (!this.alive) return
    process.kill(this.pid, 'SIGKILL')
    await this.#exited
  }

  /** SIGTERM: it leaves in order. Resolves when the process is gone. */
  async leave(): Promise<void> {
    if (!this.alive) return
    process.kill(this.pid, 'SIGTERM')
    await this.#exited
  }

  /** SIGSTOP: it hangs, with all its connections open. */
  stop(): void {
    process.kill(this.pid, 'SIGSTOP')
  }

  cont(): void {
    process.kill(this.pid, 'SIGCONT')
  }

  async restart(): Promise<void> {
    await this.kill()
    await this.start()
  }

  #arguments(): string[] {
    const { name, dir, meshKeyFile, bootstrap, host = '127.0.0.1', port = 0, logLevel = 'warn' } = this.#options
    const known = bootstrap()
    const fresh = `/ip4/${host}/tcp/${port}`
    const listen = this.#ready === undefined ? fresh : (listenAddress(this.#ready) ?? fresh)
    const http = this.#ready === undefined ? `${host}:0` : new URL(this.#ready.http).host
    return [
      'start',
      '--json',
      `--name=${name}`,
      `--data=${join(dir, 'data')}`,
      `--mesh-key=${meshKeyFile}`,
      `--http=${http}`,
      `--listen=${listen}`,
      `--log-level=${logLevel}`,
      ...(known.length === 0 ? [] : ['--bootstrap', ...known]),
    ]
  }

  #known(): Ready {
    if (this.#ready === undefined) throw new Error(`peer ${this.name} was never ready`)
    return this.#ready
  }
}

/** The address without the peer id at its end. */
function listenAddress({ addresses }: Ready): string | undefined {
  return addresses[0]?.replace(/\/p2p\/.*$/, '')
}
