// The house rules, on every file that git knows or would add. One pass: each source is read and parsed once, asked by
// every rule, and let go. Below it, each rule is shown what it must refuse: a rule that lets all pass is no rule.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { ERROR_STATUS } from '../../crdt/errors.ts'
import manifest from '../../package.json' with { type: 'json' }
import { brokenLinks, errorRows, scriptsNamed } from './documents.ts'
import { rules } from './rules.ts'
import { markdownFiles, read, root, sourceFiles } from './source.ts'
import { parseSource } from './syntax.ts'

/** All of it is parsed at once, by one thread: a busy machine takes its time. */
const READING_MS = 120_000

describe('every source file', () => {
  const faults = new Map<string, string[]>(Object.keys(rules).map((title) => [title, []]))

  beforeAll(() => {
    for (const file of sourceFiles) {
      const source = parseSource(file, read(file))
      for (const [title, rule] of Object.entries(rules)) faults.get(title)?.push(...rule(source))
    }
  }, READING_MS)

  test('is found', () =>
    expect(sourceFiles).toEqual(expect.arrayContaining(['node/peer.ts', 'test/tidy/tidy.test.ts'])))
  test.each(Object.keys(rules))('%s', (title) => expect(faults.get(title)).toEqual([]))
})

const HEAD = '// What it is for.\n'
const refused: readonly [rule: RegExp, path: string, text: string][] = [
  [/a file has/, 'node/a.ts', HEAD.repeat(401)],
  [/a function has/, 'node/a.ts', `${HEAD}export function long() {\n${'  go()\n'.repeat(60)}}\n`],
  [/a function has/, 'node/a.ts', `${HEAD}export const long = () => {\n${'  go()\n'.repeat(60)}}\n`],
  [/a function has/, 'test/a.test.ts', `${HEAD}test('long', () => {\n${'  go()\n'.repeat(60)}})\n`],
  [/what it is for/, 'node/a.ts', 'export const a = 1\n'],
  [/arrows/, 'crdt/a.ts', "import '../node/peer.ts'"],
  [/arrows/, 'crdt/a.ts', "import './../transport/port.ts'"],
  [/arrows/, 'crdt/a.ts', "import 'node:fs'"],
  [/arrows/, 'transport/a.ts', "import type { Clock } from '../node/ports/clock.ts'"],
  [/arrows/, 'transport/libp2p/a.ts', "export * from '../../node/ports/clock.ts'"],
  [/arrows/, 'transport/memory/a.ts', "import 'libp2p'"],
  [/arrows/, 'node/a.ts', "export const sim = await import('../sim/world.ts')"],
  [/arrows/, 'node/a.ts', "export type World = import('../sim/world.ts').World"],
  [/arrows/, 'node/a.ts', "import '../test/support/wait.ts'"],
  [/arrows/, 'node/store/memory.ts', "import 'classic-level'"],
  [/arrows/, 'misplaced/a.ts', "import 'yjs'"],
  [/left to do/, 'node/a.ts', '/* TODO: later */'],
  [/skipped/, 'test/a.test.ts', "test.skip('a', () => {})"],
  [/skipped/, 'test/a.test.ts', "describe.only('a', () => {})"],
  [/skipped/, 'test/a.test.ts', "test.skip.each([1])('a', () => {})"],
  [/skipped/, 'test/a.contract.ts', "it.todo('a')"],
  [/sleeps/, 'test/a.test.ts', 'await new Promise((resolve) => setTimeout(resolve, 5))'],
  [/sleeps/, 'test/a.test.ts', "import { setTimeout as sleep } from 'node:timers/promises'"],
  [/its port/, 'node/a.ts', 'export const now = new Date()'],
  [/its port/, 'crdt/a.ts', 'export const now = Date()'],
]

const allowed: readonly [path: string, text: string][] = [
  ['test/a.test.ts', `describe('a', () => {\n${"  test('b', () => {\n    go()\n  })\n".repeat(30)}})\n`],
  ['transport/a.ts', "import '../crdt/index.ts'\nimport './port.ts'\nimport 'ws'"],
  ['transport/libp2p/a.ts', "import '@libp2p/tcp'"],
  ['node/store/level.ts', "import 'classic-level'\nexport const then = new Date(0)"],
  ['test/support/wait.ts', 'setTimeout(() => {}, 1)'],
]

describe('a rule', () => {
  test.each(refused)('%s refuses %s (%#)', (wanted, path, text) => {
    const source = parseSource(path, text)
    const ringing = Object.entries(rules).filter(([, rule]) => rule(source).length > 0)
    expect(ringing.map(([title]) => title)).toContainEqual(expect.stringMatching(wanted))
  })

  test.each(allowed)('lets %s be (%#)', (path, text) => {
    const source = parseSource(path, HEAD + text)
    expect(Object.values(rules).flatMap((rule) => rule(source))).toEqual([])
  })
})

describe('documents', () => {
  const pages = new Map(markdownFiles.map((file) => [file, read(file)]))
  const shelf = { pages, exists: (path: string) => existsSync(join(root, path)) }

  test('links lead somewhere, to the heading', () => {
    expect(markdownFiles.flatMap((page) => brokenLinks(shelf, page))).toEqual([])
  })

  test('commands exist', () => {
    const named = [...pages.values()].flatMap(scriptsNamed)
    expect(named.filter((name) => !(name in manifest.scripts))).toEqual([])
  })

  test('docs/ERRORS.md has a row for every error code, and no other', () => {
    expect(errorRows(read('docs/ERRORS.md'))).toEqual(ERROR_STATUS)
  })

  test('a broken one is seen', () => {
    const text = '# Top\n[a](b.md) [c](#top) [d](#gone) [e](https://example.org)\n```\n[f](g.md)\n```\n`npm run gone`'
    const broken = brokenLinks({ pages: new Map([['a.md', text]]), exists: (path) => path === 'a.md' }, 'a.md')
    expect(broken).toEqual(['a.md: b.md: no such file', 'a.md: #gone: no such heading'])
    expect(scriptsNamed(text)).toEqual(['gone'])
  })
})
