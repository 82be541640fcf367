// The mesh key: 32 bytes that every member shares (a libp2p pre-shared key). Who has not got it can't even talk to us.
// As a file: one line of 64 hexadecimal digits; lines that begin with # are comments.
import { writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { SessionMeshError, toHex } from '../crdt/index.ts'
import type { Random } from './ports/random.ts'

const MESH_KEY_BYTES = 32
const OWNER_ONLY = 0o600

/** The configured key, or undefined if none is configured. @throws INVALID_CONFIG */
export async function readMeshKey(config: {
  readonly meshKey?: string | undefined
  readonly meshKeyFile?: string | undefined
}): Promise<Uint8Array | undefined> {
  if (config.meshKey !== undefined) return parseMeshKey(config.meshKey, 'meshKey')
  if (config.meshKeyFile === undefined) return undefined
  let text: string
  try {
    text = await readFile(config.meshKeyFile, 'utf8')
  } catch (cause) {
    throw new SessionMeshError('INVALID_CONFIG', `meshKeyFile: can't read ${config.meshKeyFile}`, { cause })
  }
  return parseMeshKey(text, `meshKeyFile ${config.meshKeyFile}`)
}

function parseMeshKey(text: string, what: string): Uint8Array {
  const lines = text.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('#'))
  const digits = lines[0]?.trim() ?? ''
  if (lines.length !== 1 || !/^[0-9a-f]{64}$/i.test(digits)) {
    throw new SessionMeshError('INVALID_CONFIG', `${what}: expected one line of 64 hexadecimal digits`)
  }
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))
}

/** Makes a key file that only its owner may read. Fails if there is one already. */
export function writeMeshKey(path: string, random: Random): void {
  const digits = toHex(random.bytes(MESH_KEY_BYTES))
  const text = `# sessionmesh mesh key: every peer of the mesh needs this file; keep it secret\n${digits}\n`
  writeFileSync(path, text, { mode: OWNER_ONLY, flag: 'wx' })
}
