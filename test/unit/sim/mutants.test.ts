// The mutants still break what they say: each edit finds its place, and every checker has one that it must notice.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { CHECKERS } from '../../../sim/checkers/index.ts'
import { MUTANTS } from '../../../sim/mutants/index.ts'
import { applyEdit } from '../../../sim/mutants/mutant.ts'

test.each(MUTANTS)('$name: what it changes occurs exactly once', ({ edits }) => {
  for (const edit of edits) {
    const source = readFileSync(new URL(`../../../${edit.file}`, import.meta.url), 'utf8')
    expect(applyEdit(source, edit)).not.toBe(source)
  }
})

test('an edit that fits nowhere, or twice, is refused', () => {
  const edit = { file: 'a.ts', find: 'one', replace: 'two' }
  expect(() => applyEdit('none', { ...edit, find: 'some' })).toThrow('a.ts has 0 times: some')
  expect(() => applyEdit('one and one', edit)).toThrow('a.ts has 2 times: one')
})

test('every checker has a mutant', () => {
  const guards = new Set(MUTANTS.map(({ guard }) => guard))
  expect(CHECKERS.map(({ name }) => name).filter((name) => !guards.has(name))).toEqual([])
  expect([...guards].filter((guard) => !CHECKERS.some(({ name }) => name === guard))).toEqual([])
})
