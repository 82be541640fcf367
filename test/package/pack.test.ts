// The published package, as a stranger meets it: packed, installed into an empty folder, run as plain JavaScript under
// the Node that runs the tests, and type-checked by a strict TypeScript consumer.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'

const root = join(import.meta.dirname, '../..')
const scratch = mkdtempSync(join(tmpdir(), 'sessionmesh-pack-'))
const consumer = join(scratch, 'consumer')
const INSTALL_TIMEOUT_MS = 280_000

const script = `
import { createPeer, SessionMeshError } from 'sessionmesh'
import { digestOf } from 'sessionmesh/crdt'
import 'sessionmesh/transport'

const peer = await createPeer({ name: 'packed', dataDir: './data', meshKey: 'ab'.repeat(32), http: false })
await peer.start()
const { session, receipt } = await peer.sessions.create('cart:42', { data: { items: 1 }, durability: 'local' })
await session.set('items', 2, { durability: 'local' })
const { data, digest } = await peer.sessions.get('cart:42')
const missing = await peer.sessions.get('cart:43').catch((error) => error)
const ours = digestOf(session.doc).length > 0
session.close()
await peer.stop()
const code = missing instanceof SessionMeshError ? missing.code : String(missing)
console.log(JSON.stringify({ copies: receipt.copies, data, digest: digest.length, code, ours }))
`

const typed = `
import { createPeer, ReplicationTimeoutError, type Peer, type PeerOptions, type Receipt } from 'sessionmesh'
import { digestOf, type SessionId } from 'sessionmesh/crdt'
import type { Transport } from 'sessionmesh/transport'

const options: PeerOptions = { name: 'typed', durability: 'quorum', shardCount: 64 }
const peer: Peer = await createPeer(options)
const { session, receipt } = await peer.sessions.create('a', { priority: 'critical' })
const copies: number = receipt.copies
const digest: Uint8Array = digestOf(session.doc)
const receipts: Receipt[] = [await session.set('key', { nested: [1, 'two', null] })]
peer.on('member', (member) => member.status satisfies 'alive' | 'suspect' | 'dead' | 'left')
const self = (transport: Transport): string => transport.self
const name = (id: SessionId): string => id
// @ts-expect-error a misspelt setting is a type error
await createPeer({ shardsCount: 64 })
// @ts-expect-error so is a durability that there is not
await session.set('key', 1, { durability: 'most' })
export { copies, digest, name, receipts, ReplicationTimeoutError, self }
`

const typedContract = `
import { runStoreContract, type StoreFixture } from 'sessionmesh/contract'

export const suite: (name: string, makeFixture: () => Promise<StoreFixture>) => void = runStoreContract
`

function npm(args: readonly string[], cwd: string): string {
  return execFileSync('npm', args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}

beforeAll(() => {
  const packed = JSON.parse(npm(['pack', '--json', '--silent', '--pack-destination', scratch], root)) as unknown
  const [{ filename }] = (Array.isArray(packed) ? packed : Object.values(packed as object)) as [{ filename: string }]
  mkdirSync(consumer)
  // classic-level's install script picks its native build; npm asks for permission.
  const manifest = { name: 'consumer', private: true, type: 'module', allowScripts: { 'classic-level': true } }
  writeFileSync(join(consumer, 'package.json'), JSON.stringify(manifest))
  npm(['install', '--no-audit', '--no-fund', '--prefer-offline', join(scratch, filename)], consumer)
}, INSTALL_TIMEOUT_MS)

afterAll(() => rmSync(scratch, { recursive: true, force: true }))

test('runs as plain JavaScript: a peer writes to disk, reads and stops', () => {
  writeFileSync(join(consumer, 'main.js'), script)
  const printed = execFileSync(process.execPath, ['main.js'], { cwd: consumer, encoding: 'utf8' })
  expect(JSON.parse(printed)).toEqual({
    copies: 1,
    data: { items: 2 },
    digest: 32,
    code: 'SESSION_NOT_FOUND',
    ours: true,
  })
  expect(existsSync(join(consumer, 'data/store'))).toBe(true)
})

test('has a command line', () => {
  const bin = join(consumer, 'node_modules/.bin/sessionmesh')
  expect(execFileSync(process.execPath, [bin, '--help'], { encoding: 'utf8' })).toContain('Usage: sessionmesh')
  expect(readFileSync(bin, 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/)
})

test('has the simulator: its scenarios, its worker threads and its commands', () => {
  const bin = join(consumer, 'node_modules/.bin/sessionmesh')
  const small = ['--peers', '3', '--sessions', '2', '--duration', '6s', '--json']
  const sim = (...args: string[]) =>
    JSON.parse(
      execFileSync(process.execPath, [bin, 'sim', ...args, ...small], { cwd: consumer, encoding: 'utf8' }),
    ) as unknown
  expect(sim('run', 'split-halves', '--seed', '1')).toMatchObject({
    verdict: 'ok',
    replay: 'npx sessionmesh sim run split-halves --seed 1 --peers 3 --sessions 2 --duration 6000ms',
  })
  expect(sim('swarm', '--seeds', '1..2')).toMatchObject({ seeds: 2, violations: [] })
})

test('type-checks in a strict TypeScript consumer, with the declarations of the libraries checked too', () => {
  expect(typeCheck(typed, { skipLibCheck: false, types: [] })).toBe('')
})

test('type-checks in a consumer that runs the contract suites', () => {
  symlinkSync(join(root, 'node_modules/vitest'), join(consumer, 'node_modules/vitest'))
  expect(typeCheck(typedContract, { skipLibCheck: true })).toBe('')
})

/** What the compiler says of a consumer's `main.ts`. */
function typeCheck(source: string, options: Readonly<Record<string, unknown>>): string {
  const compilerOptions = {
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    noEmit: true,
    target: 'es2023',
    module: 'nodenext',
    ...options,
  }
  writeFileSync(join(consumer, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['main.ts'] }))
  writeFileSync(join(consumer, 'main.ts'), source)
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  return outputOf(() =>
    execFileSync(process.execPath, [tsc, '-p', '.'], { cwd: consumer, encoding: 'utf8', stdio: 'pipe' }),
  )
}

/** What a command printed, whether it failed or not. */
function outputOf(run: () => string): string {
  try {
    return run()
  } catch (error) {
    return error instanceof Error && 'stdout' in error ? String(error.stdout) : String(error)
  }
}
