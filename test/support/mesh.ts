// A mesh of real peers on loopback: processes, sockets and disks as in production, one mesh key, temporary directories.
import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FailoverStatus, Member } from '../../node/api.ts'
import { PeerProcess } from './peer-process.ts'
import { waitFor } from './wait.ts'

export { after, waitFor } from './wait.ts'
export { PeerProcess } from './peer-process.ts'

const FORM_TIMEOUT_MS = 20_000

export interface Mesh {
  readonly peers: readonly PeerProcess[]
  /** The peer of this index; the tests' way not to meet undefined. */
  peer(index: number): PeerProcess
  /** One more peer. With `meshKey: 'other'` it is a stranger that knows the mesh's addresses but not its key. */
  add(options?: { readonly meshKey?: 'same' | 'other' }): Promise<PeerProcess>
  /** Resolves when all peers (or these) see each other alive and agree on the home of every session. */
  formed(peers?: readonly PeerProcess[]): Promise<void>
  /** Resolves when all peers (or these) hold equal sessions; returns how many. */
  equal(peers?: readonly PeerProcess[], timeoutMs?: number): Promise<number>
  /** Kills every process of the mesh and removes its directories. */
  close(): Promise<void>
}

type Settings = Readonly<Record<string, string>>

/** @param env settings of every peer, by their environment names, or of each by its index */
export async function startMesh(count: number, env: Settings | ((index: number) => Settings) = {}): Promise<Mesh> {
  const root = await mkdtemp(join(tmpdir(), 'sessionmesh-test-'))
  const peers: PeerProcess[] = []
  const started: PeerProcess[] = []

  async function add({ meshKey = 'same' }: { readonly meshKey?: 'same' | 'other' } = {}): Promise<PeerProcess> {
    const index = started.length
    const name = `p${index + 1}`
    const dir = join(root, name)
    await mkdir(dir)
    const meshKeyFile = join(root, `mesh-${meshKey}.key`)
    await writeFile(meshKeyFile, `${randomBytes(32).toString('hex')}\n`, { flag: 'wx' }).catch(ignoreExisting)
    const bootstrap = () => peers.filter((other) => other !== peer).flatMap((other) => other.addresses)
    const settings = typeof env === 'function' ? env(index) : env
    const peer = new PeerProcess({ name, dir, meshKeyFile, bootstrap, env: settings })
    started.push(peer)
    await peer.start()
    if (meshKey === 'same') peers.push(peer)
    return peer
  }

  async function close(): Promise<void> {
    await Promise.all(started.map((peer) => peer.kill()))
    await rm(root, { recursive: true, force: true, maxRetries: 3 })
  }

  const mesh: Mesh = {
    peers,
    peer(index) {
      const peer = peers[index]
      if (peer === undefined) throw new Error(`the mesh has no peer ${index}`)
      return peer
    },
    add,
    async formed(of = peers) {
      await waitFor(() => isFormed(of), { timeoutMs: FORM_TIMEOUT_MS, what: `a mesh of ${names(of)}` })
    },
    equal: (of = peers, timeoutMs = FORM_TIMEOUT_MS) =>
      waitFor(() => equalCount(of), { timeoutMs, what: `equal sessions on ${names(of)}` }),
    close,
  }
  try {
    for (let i = 0; i < count; i++) await add()
    await mesh.formed()
  } catch (error) {
    await close()
    throw error
  }
  return mesh
}

/** Peer ids that `peer` believes alive, itself included, in order. */
async function aliveSeenBy(peer: PeerProcess): Promise<string[]> {
  const members = await peer.client.get<Member[]>('/v1/members')
  return members
    .filter(({ status }) => status === 'alive')
    .map((member) => member.peer)
    .toSorted()
}

/** What `observer` thinks of `peer`. */
export async function statusOf(peer: PeerProcess, observer: PeerProcess): Promise<string> {
  const members = await observer.client.get<Member[]>('/v1/members')
  return members.find((member) => member.peer === peer.peer)?.status ?? 'unknown'
}

export async function isFormed(peers: readonly PeerProcess[]): Promise<boolean> {
  const wanted = peers
    .map(({ peer }) => peer)
    .toSorted()
    .join()
  const seen = await Promise.all(peers.map(aliveSeenBy))
  if (seen.some((alive) => alive.join() !== wanted)) return false
  const homes = await Promise.all(peers.map(homesSeenBy))
  return new Set(homes).size === 1
}

/** Sessions by home as `peer` counts them, in a form that can be compared. */
export async function homesSeenBy(peer: PeerProcess): Promise<string> {
  const { homesByPeer } = await peer.client.get<FailoverStatus>('/v1/failover')
  const counts = Object.entries(homesByPeer).filter(([, count]) => count > 0)
  return JSON.stringify(counts.toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

async function equalCount(peers: readonly PeerProcess[]): Promise<number> {
  const hashes = await Promise.all(
    peers.map(({ client }) => client.get<{ sessions: number; hash: string }>('/v1/sessions-hash')),
  )
  if (new Set(hashes.map(({ hash }) => hash)).size !== 1) {
    throw new Error(`content differs: ${JSON.stringify(hashes)}`)
  }
  return hashes[0]?.sessions ?? 0
}

function names(peers: readonly PeerProcess[]): string {
  return peers.map(({ name }) => name).join(', ')
}

function ignoreExisting(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error
}
