// Runs that once failed, and must not again.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { attempt } from '../../../sim/run/attempt.ts'
import { inMacrotask } from '../../../sim/run/in-macrotask.ts'
import { readRun } from '../../../sim/run/saved-run.ts'

vi.setConfig({ testTimeout: 120_000 })
const directory = join(import.meta.dirname, '../../../sim/corpus')
const files = readdirSync(directory).filter((file) => file !== 'README.md')

test('only saved runs lie in the corpus', () => expect(files.filter((file) => !file.endsWith('.json'))).toEqual([]))

test.each(files)('%s', async (file) => {
  const { about, plan } = readRun(join(directory, file))
  expect(about, 'a sentence on the bug that it showed').toMatch(/^[A-Z].{20,}\.$/)
  const { violations } = await inMacrotask(() => attempt(plan))
  expect(violations).toEqual([])
})
