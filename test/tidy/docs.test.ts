// The documents against the code, beyond links and error codes (tidy.test.ts): settings both ways, defaults and
// environment names, tables without holes, and scripts that the README forgot.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { configSchema } from '../../node/config.ts'
import manifest from '../../package.json' with { type: 'json' }

const root = join(import.meta.dirname, '../..')
const docs = readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md'))
const pages = ['README.md', 'CHANGELOG.md', ...docs.map((page) => `docs/${page}`)]

function read(file: string): string {
  return readFileSync(join(root, file), 'utf8')
}

/** The cells of every table row whose first cell is a name in backquotes. */
function rowsOf(file: string): string[][] {
  return read(file)
    .split('\n')
    .filter((line) => /^\| `\w+` \|/.test(line))
    .map((line) => line.split('|').slice(1, -1))
    .map((cells) => cells.map((cell) => cell.trim()))
}

function unquote(cell: string | undefined): string {
  return (cell ?? '').replaceAll('`', '')
}

test('docs/ERRORS.md says of every code what it means and what to do', () => {
  const holes = rowsOf('docs/ERRORS.md').filter((cells) => cells.length !== 4 || cells.includes(''))
  expect(holes).toEqual([])
})

test('docs/CONFIG.md lists every setting, in the same order, and no other', () => {
  const documented = rowsOf('docs/CONFIG.md').map(([key]) => unquote(key))
  expect(documented).toEqual(Object.keys(configSchema.shape))
})

test('docs/CONFIG.md gives the defaults and environment names that the code has', () => {
  const defaults = new Map<string, unknown>(Object.entries(configSchema.parse({})))
  for (const [key, , written, environment] of rowsOf('docs/CONFIG.md')) {
    const name = unquote(key)
    const value = defaults.get(name)
    if (typeof value === 'number' || typeof value === 'boolean') expect(unquote(written), name).toBe(String(value))
    const expected = `SESSIONMESH_${name.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`
    expect(unquote(environment), name).toBe(name === 'http' ? 'none' : expected)
  }
})

test('README.md names every npm script that a contributor runs', () => {
  const text = read('README.md')
  const own = Object.keys(manifest.scripts).filter((name) => !/^(pre|post)/.test(name))
  expect(own.filter((name) => !text.includes(`npm run ${name}\``) && !text.includes(`npm ${name}\``))).toEqual([])
})

test('no document names a path of the machine it was written on', () => {
  const strangers = pages.filter((page) => /(?:^|[\s`(])\/(?:work|home|root|tmp|Users)\//m.test(read(page)))
  expect(strangers).toEqual([])
})
