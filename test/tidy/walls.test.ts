// The layer walls of the design, as the linter keeps them: each forbidden line must fail with a message that names the
// way round, and each allowed one must pass. All snippets lie in one scratch tree of the real folder shape, beside a
// copy of the real configuration, and are linted in one run.
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const root = join(import.meta.dirname, '../..')
const scratch = mkdtempSync(join(tmpdir(), 'sessionmesh-walls-'))

type Case = readonly [folderOrFile: string, code: string, message: string]

const refused: readonly Case[] = [
  ['crdt', "export * from '../node/peer.ts'", 'crdt/ imports nothing of ours'],
  ['crdt', "export * from '../transport/port.ts'", 'crdt/ imports nothing of ours'],
  ['crdt', "export * from './../transport/port.ts'", 'crdt/ imports nothing of ours'],
  ['crdt', "export * from 'node:fs'", 'only yjs, lib0 and itself'],
  ['crdt', "export * from 'uint8arrays'", 'only yjs, lib0 and itself'],
  ['crdt', 'export const t = Date.now()', 'Clock port'],
  ['crdt', 'export const r = Math.random()', 'Random port'],
  ['transport', "export * from '../node/peer.ts'", 'does not know node/'],
  ['transport', "export * from '../sim/world.ts'", 'Nothing imports sim/'],
  ['transport/libp2p', "export * from '../../node/ports/clock.ts'", 'does not know node/'],
  ['transport/libp2p', "export * from 'classic-level'", 'Store port'],
  ['transport/memory', "export * from 'libp2p'", 'Transport port'],
  ['transport', "export * from '@libp2p/tcp'", 'Transport port'],
  ['transport', "export * from '@multiformats/multiaddr'", 'Transport port'],
  ['node', "export * from '@chainsafe/libp2p-noise'", 'Transport port'],
  ['node', "export * from '../sim/world.ts'", 'Nothing imports sim/'],
  ['node/store', "export * from 'classic-level'", 'Store port'],
  ['node/ports', "export * from 'classic-level'", 'Store port'],
  ['node', 'export const t = Date.now()', 'Clock port'],
  ['node', 'export const t = performance.now()', 'Clock port'],
  ['node', 'export const t = process.hrtime.bigint()', 'Clock port'],
  ['node', 'setTimeout(() => {}, 1)', 'Clock port'],
  ['node', 'globalThis.setTimeout(() => {}, 1)', 'Clock port'],
  ['node', 'setInterval(() => {}, 1)', 'Clock port'],
  ['node', 'setImmediate(() => {})', 'Clock port'],
  ['node', "export { setTimeout } from 'node:timers/promises'", 'Clock port'],
  ['node', 'export const s = AbortSignal.timeout(5)', 'Clock port'],
  ['node/demo', 'setTimeout(() => {}, 1)', 'Clock port'],
  ['node', 'export const r = Math.random()', 'Random port'],
  ['node', "import { randomUUID } from 'node:crypto'\nexport const r = randomUUID()", 'Random port'],
  ['node', 'export const r = crypto.randomUUID()', 'Random port'],
  ['sim', "export * from '@libp2p/tcp'", 'Transport port'],
  ['sim', 'export const t = Date.now()', 'Clock port'],
  ['sim/conformance', 'setTimeout(() => {}, 1)', 'Clock port'],
  ['bench', "export * from '../sim/world.ts'", 'Nothing imports sim/'],
  ['test/unit', 'setTimeout(() => {}, 1)', 'Clock port'],
  ['test/unit', "export { setTimeout } from 'node:timers/promises'", 'Clock port'],
  ['node', 'async function go() {}\ngo()', 'Promises must be awaited'],
  ['node', 'export const x: any = 1', 'Unexpected `any`'],
]

const allowed: readonly Case[] = [
  ['crdt', "export * from 'yjs'\nexport * from 'lib0/encoding'\nexport * from './b.ts'", ''],
  ['transport', "export * from '../crdt/index.ts'", ''],
  ['transport/libp2p', "export * from 'libp2p'\nexport const t = setTimeout(() => {}, 1)", ''],
  ['node', "export * from '../crdt/index.ts'\nexport * from '../transport/port.ts'", ''],
  ['node', 'queueMicrotask(() => {})', ''],
  ['node/store/level.ts', "export * from 'classic-level'", ''],
  ['node/ports', 'export const t = Date.now() + performance.now()\nsetTimeout(() => {}, 1)', ''],
  ['sim', "export * from '../node/peer.ts'\nexport * from '../crdt/index.ts'", ''],
  ['sim/conformance', "export * from '@libp2p/interface'", ''],
  ['test/unit', "export * from '../../sim/world.ts'\nexport const t = Date.now()", ''],
  ['test/support', 'setTimeout(() => {}, 1)', ''],
]

const fileOf = ([place]: Case, name: string): string => (place.endsWith('.ts') ? place : `${place}/${name}.ts`)

/** What the linter said, by file. */
const said = new Map<string, string[]>()

function write(file: string, text: string): void {
  const path = join(scratch, file)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
}

beforeAll(() => {
  for (const name of ['oxlint.config.ts', 'tsconfig.json', 'package.json'])
    cpSync(join(root, name), join(scratch, name))
  symlinkSync(join(root, 'node_modules'), join(scratch, 'node_modules'))
  for (const [index, entry] of refused.entries()) write(fileOf(entry, `refused${index}`), `${entry[1]}\n`)
  for (const [index, entry] of allowed.entries()) write(fileOf(entry, `allowed${index}`), `${entry[1]}\n`)
  const oxlint = join(root, 'node_modules/.bin/oxlint')
  const folders = new Set([...refused, ...allowed].map(([place]) => place.split('/')[0] ?? ''))
  const run = spawnSync(process.execPath, [oxlint, '--format=json', ...folders], { cwd: scratch, encoding: 'utf8' })
  const { diagnostics } = JSON.parse(run.stdout) as {
    diagnostics: { filename: string; message: string; help?: string }[]
  }
  for (const { filename, message, help } of diagnostics) {
    const file = filename.replaceAll('\\', '/')
    said.set(file, [...(said.get(file) ?? []), `${message} ${help ?? ''}`])
  }
})
afterAll(() => rmSync(scratch, { recursive: true }))

describe('refused', () => {
  test.each(
    refused.map((entry, index) => ({ file: fileOf(entry, `refused${index}`), code: entry[1], want: entry[2] })),
  )('$file: $code', ({ file, want }) => expect(said.get(file)?.join('\n'), basename(file)).toContain(want))
})

describe('allowed', () => {
  test.each(allowed.map((entry, index) => ({ file: fileOf(entry, `allowed${index}`), code: entry[1] })))(
    '$file: $code',
    ({ file }) => expect(said.get(file) ?? []).toEqual([]),
  )
})
