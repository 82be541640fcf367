// What changes say of themselves.
import { expect, test } from 'vitest'
import { describeChange } from '../../../node/reconstruction/describe.ts'

const texts = (before: Record<string, unknown>, after: Record<string, unknown>) =>
  describeChange(before, after).map(({ text }) => text)

test('keys set, changed and deleted, with old and new values where they are small', () => {
  const before = { data: { a: 1, gone: 'x', big: 'y'.repeat(200) } }
  const after = { data: { a: 2, new: { deep: [1] }, big: 'z'.repeat(200) } }
  expect(describeChange(before, after)).toEqual([
    { path: 'data.a', did: 'set', text: 'data.a: 1 → 2', old: 1, new: 2 },
    { path: 'data.gone', did: 'deleted', text: 'data.gone deleted (was "x")', old: 'x' },
    {
      path: 'data.big',
      did: 'set',
      text: expect.stringMatching(/^data\.big: "y{79}… \(202 characters\) → "z{79}… \(202 characters\)$/),
    },
    { path: 'data.new', did: 'set', text: 'data.new set to {"deep":[1]}', new: { deep: [1] } },
  ])
})

test('only the deepest part that changed is named', () => {
  expect(texts({ data: { cart: { a: 1, b: { c: 2 } } } }, { data: { cart: { a: 1, b: { c: 3 } } } })).toEqual([
    'data.cart.b.c: 2 → 3',
  ])
})

test('text inserted and removed, where it happened', () => {
  expect(texts({}, { note: 'hello' })).toEqual(['note: "hello" inserted at 0'])
  expect(texts({ note: 'hello' }, { note: 'hello, world' })).toEqual(['note: ", world" inserted at 5'])
  expect(texts({ note: 'one two three' }, { note: 'one 2 three' })).toEqual([
    'note: "two" removed at 4',
    'note: "2" inserted at 4',
  ])
  expect(texts({ note: 'hello' }, {})).toEqual(['note: "hello" removed at 0'])
})

test('members of lists, and values that happen to be texts', () => {
  expect(texts({ todo: ['a', 'b'] }, { todo: ['a', 'x', 'b'] })).toEqual(['todo: ["x"] inserted at 1'])
  expect(texts({ data: { name: 'Ann' } }, { data: { name: 'Anna' } })).toEqual(['data.name: "Ann" → "Anna"'])
})

test('a type that was empty tells of its keys; nothing changed tells nothing', () => {
  expect(texts({}, { settings: { dark: true } })).toEqual(['settings.dark set to true'])
  expect(texts({ data: {} }, { data: {} })).toEqual([])
})
