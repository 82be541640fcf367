// The layer walls of the design, as the linter keeps them: each forbidden line must fail with a message that names the
// way round, and each allowed one must pass.
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'

const root = join(import.meta.dirname, '../..')
const scratch = mkdtempSync(join(tmpdir(), 'sessionmesh-walls-'))

beforeAll(() => cpSync(join(root, '.oxlintrc.json'), join(scratch, '.oxlintrc.json')))
afterAll(() => rmSync(scratch, { recursive: true }))

function lint(file: string, code: string): string {
  const path = join(scratch, file)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, `${code}\n`)
  try {
    execFileSync(join(root, 'node_modules/.bin/oxlint'), [path], { cwd: scratch, encoding: 'utf8', stdio: 'pipe' })
    return ''
  } catch (error) {
    return error instanceof Error && 'stdout' in error ? String(error.stdout) : String(error)
  } finally {
    rmSync(path)
  }
}

test.each([
  ['crdt/a.ts', "export * from '../node/peer.ts'", 'crdt/ imports nothing of ours'],
  ['crdt/a.ts', "export * from '../transport/port.ts'", 'crdt/ imports nothing of ours'],
  ['crdt/a.ts', "export * from 'node:fs'", 'only yjs, lib0 and itself'],
  ['crdt/a.ts', 'export const t = Date.now()', 'Clock port'],
  ['transport/a.ts', "export * from '../node/peer.ts'", "don't know node/"],
  ['transport/memory/a.ts', "export * from 'libp2p'", 'Transport port'],
  ['transport/a.ts', "export * from '@libp2p/tcp'", 'Transport port'],
  ['node/a.ts', "export * from '@chainsafe/libp2p-noise'", 'Transport port'],
  ['node/a.ts', "export * from '../sim/world.ts'", 'Nothing imports sim/'],
  ['node/store/other.ts', "export * from 'classic-level'", 'Store port'],
  ['node/a.ts', 'export const t = Date.now()', 'Clock port'],
  ['node/a.ts', 'export const t = performance.now()', 'Clock port'],
  ['node/a.ts', 'setTimeout(() => {}, 1)', 'Clock port'],
  ['node/a.ts', "export { setTimeout } from 'node:timers/promises'", 'Clock port'],
  ['node/a.ts', 'export const r = Math.random()', 'Random port'],
  ['node/a.ts', "import { randomUUID } from 'node:crypto'\nexport const r = randomUUID()", 'Random port'],
  ['node/a.ts', 'export const r = crypto.randomUUID()', 'Random port'],
  ['node/a.ts', 'export const s = AbortSignal.timeout(5)', 'Clock port'],
  ['test/unit/a.ts', 'setTimeout(() => {}, 1)', 'Clock port'],
])('%s: %s is refused', (file, code, message) => {
  expect(lint(file, code)).toContain(message)
})

test.each([
  ['crdt/a.ts', "export * from 'yjs'\nexport * from 'lib0/encoding'\nexport * from './b.ts'"],
  ['transport/a.ts', "export * from '../crdt/index.ts'"],
  ['transport/libp2p/a.ts', "export * from 'libp2p'\nexport const t = setTimeout(() => {}, 1)"],
  ['node/a.ts', "export * from '../crdt/index.ts'\nexport * from '../transport/port.ts'"],
  ['node/store/level.ts', "export * from 'classic-level'"],
  ['node/ports/clock.ts', 'export const t = Date.now() + performance.now()'],
])('%s: %s is allowed', (file, code) => {
  expect(lint(file, code)).toBe('')
})
