// The scenarios that come with the simulator, each run once; and what a wrong one is told.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { simulate, type FaultKind } from '../../../sim/index.ts'
import type { ReadFault } from '../../../sim/scenarios/fault-schema.ts'
import { loadScenario, scenario, scenarioNames } from '../../../sim/scenarios/load.ts'
import { openSource } from '../../../sim/scenarios/source.ts'

vi.setConfig({ testTimeout: 120_000 })
let directory: string
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'sessionmesh-scenario-'))
})
afterAll(() => rmSync(directory, { recursive: true }))

function write(name: string, text: string): string {
  const file = join(directory, name)
  writeFileSync(file, text)
  return file
}

describe('a scenario that comes with the simulator', () => {
  test('is found by name', () => {
    expect(scenarioNames()).toEqual(expect.arrayContaining(['split-halves', 'churn', 'long-partition-with-deletes']))
    expect(scenarioNames().length).toBeGreaterThanOrEqual(13)
  })

  test.each(scenarioNames())(
    '%s holds, and every fault in it began',
    async (name) => {
      const { plan } = (await openSource({ scenario: name }))(1)
      const result = await simulate(plan)
      expect(result.violations).toEqual([])
      expect(result.verdict).toBe('ok')
      const planned = Map.groupBy(plan.faults, ({ kind }) => kind)
      expect(result.faults).toEqual(Object.fromEntries([...planned].map(([kind, faults]) => [kind, faults.length])))
      expect(scenario(name).shows).toMatch(/^[A-Z].{30,}\.$/)
    },
    120_000,
  )
})

test('every kind of fault can be written', () => {
  // For the compiler: a kind that the language has not makes the type of this constant `false`.
  const canBe: FaultKind extends ReadFault['kind'] ? true : false = true
  expect(canBe).toBe(true)
})

describe('a scenario of your own', () => {
  test('is read from a file, in YAML, JSON or TypeScript, and means the same', async () => {
    const yaml = write('one.yaml', 'peers: 3\nfaults:\n  - {kind: crash, at: 2s, for: 500ms, machines: b}\n')
    const json = write(
      'two.json',
      '{"peers": 3, "faults": [{"kind": "crash", "at": 2000, "for": 500, "machines": ["b"]}]}',
    )
    const code = write(
      'three.ts',
      `export default { peers: 3 as number, faults: [{ kind: 'crash', at: '2s', for: '0.5s', machines: 'b' }] }`,
    )
    const plans = await Promise.all(
      [yaml, json, code].map(async (file) => (await openSource({ scenario: file }))(7).plan),
    )
    expect(plans[0]?.faults).toEqual([{ kind: 'crash', at: 2_000, forMs: 500, machines: ['b'], wipe: false }])
    expect(plans.map(({ name }) => name)).toEqual(['one', 'two', 'three'])
    for (const plan of plans) expect({ ...plan, name: '' }).toEqual({ ...plans[0], name: '' })
  })

  test('takes sizes from the command line, and words for machines follow', async () => {
    const file = write('sizes.yaml', 'faults:\n  - {kind: partition, at: 2s, for: 1s, groups: [minority, rest]}\n')
    const overrides = { peers: 3, sessions: 2, durationMs: 4_000 }
    const { plan } = (await openSource({ scenario: file, overrides }))(1)
    expect(plan).toMatchObject({ chaosMs: 4_000, faults: [{ groups: [['c'], ['a', 'b']] }] })
    expect(plan.machines.map(({ name }) => name)).toEqual(['a', 'b', 'c'])
    expect(new Set(plan.operations.map(({ session }) => session))).toEqual(new Set(['s0', 's1']))
    expect(plan.operations.at(-1)?.at).toBeLessThan(4_000)
  })

  test('repeats a fault until the duration is over, machine by machine or drawn', async () => {
    const file = write(
      'repeat.yaml',
      `peers: 3\nduration: 10s\nfaults:
  - {kind: restart, at: 2s, for: 1s, machines: each, repeat: {every: 2s}}
  - {kind: freeze, at: 3s, for: 1s, machines: any, repeat: {every: 1s, times: 2}}\n`,
    )
    const experimentOf = await openSource({ scenario: file })
    const { faults } = experimentOf(1).plan
    const restarts = faults.filter(({ kind }) => kind === 'restart')
    expect(restarts.map((fault) => [fault.at, 'machines' in fault && fault.machines[0]])).toEqual([
      [2_000, 'a'],
      [4_000, 'b'],
      [6_000, 'c'],
      [8_000, 'a'],
    ])
    expect(faults.filter(({ kind }) => kind === 'freeze').map(({ at }) => at)).toEqual([3_000, 4_000])
    expect(experimentOf(1).plan).toEqual(experimentOf(1).plan)
    expect(experimentOf(1).plan).not.toEqual(experimentOf(2).plan)
  })
})

const HEAD = 'peers: 3\nfaults:\n'
let modules = 0

describe('a wrong scenario is told the line and what was expected:', () => {
  test.each([
    ['peers: many\n', /:1: peers: .*expected number/],
    ['peers: 3\ndurration: 5s\n', /:2: durration: Unrecognized key/],
    ['duration: 5\nsettle: soon\n', /:2: settle: expected a duration such as 500ms/],
    ['network:\n  latency: 1ms\n  loss: 120%\n', /:3: network\.loss: expected a share such as/],
    ['workload:\n  operations: [set, dance]\n', /:2: workload\.operations: expected a list of create, set/],
    [`${HEAD}  - {kind: quake, at: 1s}\n`, /:3: faults\.0\.kind: expected a fault with a kind: partition, /],
    [`${HEAD}  - kind: crash\n    at: 1s\n    machines: a\n`, /:3: faults\.0\.for: expected a duration/],
    [
      `${HEAD}  - {kind: crash, at: 1s, for: 1s, machines: a}\n  - {kind: crash, at: 1s, for: 1s, machines: e}\n`,
      /:4: faults\.1: there is no machine e, only a, b, c/,
    ],
    [`${HEAD}  - {kind: crash, at: 1s, for: 1s, machines: zone moon}\n`, /:3: faults\.0: there is no zone moon/],
    [`${HEAD}  - {kind: partition, at: 1s, for: 1s, groups: thirds}\n`, /:3: faults\.0\.groups: expected halves, /],
    ['peers: [\n', /wrong\.yaml: /],
    ['plan: {}\n', /is a saved run, not a scenario: use `sim replay`/],
  ])('%j', async (text, message) => {
    const error = await planned(write('wrong.yaml', text))
    expect(error).toMatchObject({ code: 'INVALID_SCENARIO', message: expect.stringMatching(message) })
  })

  test.each([
    ['export const scenario = {}', /expected a scenario as default export/],
    ['export default { peers: 0 }', /wrong\.\d+\.ts:1: peers: Too small/],
    ['export default {\n  peers: 3,\n  perrs: 3,\n} as const', /wrong\.\d+\.ts:3: perrs: Unrecognized key/],
    [
      "const quake = { kind: 'quake' }\nexport default {\n  faults: [\n    quake,\n  ],\n}",
      /ts:1: faults\.0\.kind: expected/,
    ],
    [
      'const scenario: object = {\n  workload: {\n    every: "x",\n  },\n}\nexport default scenario',
      /ts:3: workload\.every: /,
    ],
    ['export default Object.assign({}, {\n  peers: 0 })', /wrong\.\d+\.ts:1: peers: Too small/],
    ['export default {\n  peers: \n}', /wrong\.\d+\.ts:3/],
    ['export default { workload: { operations: { add: 1 } } }', /workload\.operations: expected a list of/],
  ])('%j', async (text, message) => {
    // Each its own name: a module is imported once.
    const file = write(`wrong.${modules++}.ts`, text)
    await expect(loadScenario(file)).rejects.toMatchObject({
      code: 'INVALID_SCENARIO',
      message: expect.stringMatching(message),
    })
  })

  test('a name that there is not', async () => {
    await expect(loadScenario('split-thirds')).rejects.toThrow(
      /no scenario split-thirds; there are asymmetric, backup-and-restore, bridge/,
    )
    await expect(loadScenario('./nowhere.yaml')).rejects.toThrow(/can't read \.\/nowhere\.yaml/)
  })
})

/** What planning it throws. */
async function planned(file: string): Promise<unknown> {
  try {
    return (await openSource({ scenario: file }))(1)
  } catch (error) {
    return error
  }
}
