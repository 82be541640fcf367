// Flags of the simulator's command line: what they mean, and what a wrong one is told.
import { expect, test } from 'vitest'
import { duration, overrideFlags, seed, seeds, wholeNumber } from '../../../sim/cli/flags.ts'
import { readRun } from '../../../sim/run/saved-run.ts'
import { openSource } from '../../../sim/scenarios/source.ts'

test.each([
  [seeds, '1..1000', { from: 1, to: 1_000 }],
  [seeds, '7', { from: 7, to: 7 }],
  [seeds, '7..7', { from: 7, to: 7 }],
  [seed, '0', 0],
  [wholeNumber, '12', 12],
  [duration, '1.5s', 1_500],
] as const)('%o %s', (parse, text, value) => expect(parse(text)).toEqual(value))

test.each([
  [seeds, '9..1', /expected FROM..TO/],
  [seeds, '1-9', /expected FROM..TO/],
  [seeds, '99999999999999999999', /expected FROM..TO/],
  [seed, '-1', /expected a whole number from 0/],
  [wholeNumber, '0', /expected a whole number from 1/],
  [wholeNumber, 'many', /expected a whole number from 1/],
  [duration, '5', /expected a duration such as/],
  [duration, '-5s', /expected a duration such as/],
] as const)('%o refuses %s', (parse, text, message) => expect(() => parse(text)).toThrow(message))

test('sizes go into the command that runs it again', () => {
  expect(overrideFlags({ peers: 3, durationMs: 4_000 })).toEqual(['--peers', '3', '--duration', '4000ms'])
})

test('a size too small for drawn faults is refused', async () => {
  await expect(openSource({ overrides: { peers: 1 } })).rejects.toThrow(/peers: expected at least 2/)
  await expect(openSource({ overrides: { durationMs: 10 } })).rejects.toThrow(/duration: expected at least 3000ms/)
})

test('a saved run that is not there is named', () => {
  expect(() => readRun('nowhere.json')).toThrow(/can't read nowhere.json/)
})
