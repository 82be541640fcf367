// The simulator's command line, as a user types it: output, exit codes, and a failure saved and replayed.
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readRun } from '../../sim/run/saved-run.ts'

const root = join(import.meta.dirname, '../..')
const SIM = join(root, 'sim/cli/main.ts')
let directory: string
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'sessionmesh-sim-'))
})
afterAll(() => rmSync(directory, { recursive: true }))

function sim(...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [SIM, ...args], { cwd: directory, encoding: 'utf8' })
  return { status, stdout, stderr, last: stdout.trim().split('\n').at(-1) ?? '' }
}

/** A scenario whose check fails at once, and one that can't do anything. */
const FAILING = `export default {
  peers: 2, sessions: 1, duration: '3s',
  faults: [{ kind: 'reset', at: '2s', from: 'a', to: 'b' }],
  workload: { operations: { note(doc) { doc.getMap('data').set('noted', true) } } },
  check(docs) { if (docs.get('s0')?.getMap('data').has('noted')) throw new Error('noted') },
}`
const VACUOUS = 'peers: 2\nduration: 3s\nfaults: [{kind: reset, at: 1h, from: a, to: b}]\n'

test('run prints a verdict and the command that runs it again; --json one object', () => {
  const plain = sim('run', 'isolate-one', '--seed', '3')
  expect(plain).toMatchObject({ status: 0, stderr: '' })
  expect(plain.stdout).toMatch(/^ok {8}isolate-one, seed 3: 5 peers, 10 sessions, 1 fault; /)
  expect(plain.last.trim()).toBe('again:   npm run sim -- run isolate-one --seed 3')
  const { status, last } = sim('run', 'isolate-one', '--seed', '3', '--peers', '3', '--duration', '6s', '--json')
  expect(status).toBe(0)
  expect(JSON.parse(last)).toMatchObject({
    seed: 3,
    scenario: 'isolate-one',
    verdict: 'ok',
    violations: [],
    traceHash: expect.stringMatching(/^[0-9a-f]{16}$/),
    simulatedMs: expect.any(Number),
    wallMs: expect.any(Number),
    faults: { partition: 1 },
    file: null,
    report: null,
    replay: 'npm run sim -- run isolate-one --seed 3 --peers 3 --duration 6000ms',
  })
})

test('run --report draws the run, with the command that runs it again', () => {
  const { status, last } = sim(
    'run',
    'isolate-one',
    '--seed',
    '3',
    '--duration',
    '6s',
    '--report',
    'run.html',
    '--json',
  )
  expect(status).toBe(0)
  const { report, traceHash } = JSON.parse(last) as { report: string; traceHash: string }
  const html = readFileSync(join(directory, report), 'utf8')
  expect(html).toContain(traceHash)
  expect(html).toContain('npm run sim -- run isolate-one --seed 3 --duration 6000ms')
})

test('a violated run is saved, exits with 1, and replays to the same trace', () => {
  writeFileSync(join(directory, 'failing.ts'), FAILING)
  const { status, last } = sim('run', './failing.ts', '--seed', '9', '--json')
  expect(status).toBe(1)
  const report = JSON.parse(last) as { file: string; traceHash: string; replay: string }
  expect(report).toMatchObject({ verdict: 'violated', violations: [{ checker: 'check' }], file: 'failure-9.json' })
  expect(report.replay).toBe('npm run sim -- replay failure-9.json')
  const saved = readRun(join(directory, report.file))
  expect(saved).toMatchObject({ verdict: 'violated', traceHash: report.traceHash, scenario: './failing.ts' })
  expect(saved.commit).toMatch(/^[0-9a-f]{40}(-dirty)?$/)

  const again = sim('replay', report.file, '--json')
  expect(again.status).toBe(1)
  expect(JSON.parse(again.last)).toMatchObject({ traceHash: report.traceHash, sameTrace: true, verdict: 'violated' })
  expect(sim('replay', report.file).stdout).toContain('the same trace as when it was saved')
})

test('a vacuous run exits with 2', () => {
  writeFileSync(join(directory, 'vacuous.yaml'), VACUOUS)
  const { status, stdout } = sim('run', 'vacuous.yaml')
  expect(status).toBe(2)
  expect(stdout).toMatch(/^vacuous {3}vacuous\.yaml, seed \d+: none of its faults began/)
})

test('--trace prints a column a machine', () => {
  const { stdout } = sim(
    'run',
    'split-halves',
    '--seed',
    '1',
    '--peers',
    '3',
    '--duration',
    '6s',
    '--trace',
    'start,fault,phase',
  )
  const [phase, first, second, third, fault] = stdout.split('\n')
  expect(phase).toBe('   0.000000  = = =     phase      chaos')
  expect([first, second, third]).toEqual([
    '   0.000000  + · ·  a  start      (1)',
    '   0.000000  · + ·  b  start      (1)',
    '   0.000000  · · +  c  start      (1)',
  ])
  expect(fault).toMatch(/^ {3}5\.000000 {2}! ! ! {5}fault {6}partition .*\[\["a","b"\],\["c"\]\]/)
})

test('a swarm sums up, and saves what failed', () => {
  const { status, last } = sim('swarm', '--seeds', '1..4', '--peers', '3', '--duration', '4s', '--json')
  expect(status).toBe(0)
  expect(JSON.parse(last)).toMatchObject({
    from: 1,
    to: 4,
    seeds: 4,
    violations: [],
    seedsPerSecond: expect.any(Number),
  })
  const failed = sim('swarm', './failing.ts', '--seeds', '20..40', '--failures', '2', '--out', 'failures')
  expect(failed.status).toBe(1)
  expect(failed.stdout).toContain('seeds 20..21, stopped after 2 failures: 0 ok, 2 violated, 0 vacuous')
  expect(readdirSync(join(directory, 'failures'))).toEqual(['failure-20.json', 'failure-21.json'])
})

test.each(['SIGINT', 'SIGTERM'] as const)('after %s the sum so far is printed', async (signal) => {
  const child = spawn(process.execPath, [SIM, 'swarm', '--seeds', '1..1000000', '--workers', '1'], { cwd: directory })
  let printed = ''
  child.stdout.on('data', (chunk: Buffer) => {
    printed += chunk.toString()
    if (!printed.includes('interrupted')) child.kill(signal)
  })
  const code = await new Promise((resolve) => child.on('close', resolve))
  expect(printed).toMatch(/^seeds 1\.\.1000000 on 1 thread\n[^]*seeds 1\.\.\d+, interrupted: /)
  expect(code).toBe(130)
})

test.each([
  [['run', '--peers', 'many'], /option '--peers <n>' argument 'many' is invalid. expected a whole number/],
  [['run', 'split-thirds'], /^sim: INVALID_SCENARIO: there is no scenario split-thirds/],
])('sim %j is refused', (args, message) => {
  const { status, stdout, stderr } = sim(...args)
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
  expect(stderr).toMatch(message)
})

test('`sessionmesh sim` is the same program', () => {
  const main = join(root, 'node/cli/main.ts')
  const listed = execFileSync(process.execPath, [main, 'sim', 'list', '--json'], { encoding: 'utf8' })
  expect(JSON.parse(listed)).toMatchObject({
    scenarios: expect.arrayContaining([expect.objectContaining({ name: 'churn' })]),
  })
  expect(spawnSync(process.execPath, [main, 'sim', 'run', 'nothing']).status).toBe(1)
})
