// The linter: the layer walls of DESIGN.md section 4, and strict correctness. A wall is one constant below; each folder
// then says which walls stand around it. Rules of one name don't add up in oxlint, the last override that fits a file
// wins, which is why every folder lists all of its walls. test/tidy/walls.test.ts tries each of them.
import type { OxlintConfig } from 'oxlint'

type Rules = NonNullable<OxlintConfig['rules']>

const CLOCK = 'Use the Clock port (node/ports/clock.ts).'
const RANDOM = 'Use the Random port (node/ports/random.ts).'

const timers = { group: ['node:timers', 'node:timers/*', 'timers', 'timers/*', 'node:perf_hooks'], message: CLOCK }
const chance = {
  group: ['node:crypto', 'crypto'],
  importNames: ['randomBytes', 'randomUUID', 'randomInt', 'getRandomValues', 'randomFillSync', 'randomFill'],
  message: RANDOM,
}
const libp2p = {
  group: ['libp2p', '@libp2p/*', '@chainsafe/*', '@multiformats/*'],
  message: 'Only transport/libp2p/ imports libp2p: go through the Transport port (transport/port.ts).',
}
const database = {
  group: ['classic-level', 'abstract-level'],
  message: 'Only node/store/level.ts imports the database: go through the Store port (node/ports/store.ts).',
}
const sim = { group: ['**/sim/**'], message: 'Nothing imports sim/ but sim/ and test/: it is where a peer is tried.' }
const node = { group: ['**/node/**'], message: 'transport/ does not know node/: take what you need as an argument.' }
const outsideCrdt = {
  group: ['*', '!yjs', '!lib0', '!lib0/**', '!./**'],
  message: 'crdt/ is pure: only yjs, lib0 and itself.',
}
const aboveCrdt = { regex: '\\.\\./', message: 'crdt/ imports nothing of ours.' }

interface Wall {
  readonly group?: string[]
  readonly regex?: string
  readonly importNames?: string[]
  readonly message: string
}
const imports = (...walls: Wall[]): Rules => ({ 'no-restricted-imports': ['error', { patterns: walls }] })

const TIMER_GLOBALS = ['setTimeout', 'setInterval', 'setImmediate']
const globals = (names: string[]): Rules => ({
  'no-restricted-globals': ['error', ...names.map((name) => ({ name, message: CLOCK }))],
})

const property = (message: string, object: string, names: string[]) =>
  names.map((name) => ({ object, property: name, message }))
const properties: Rules = {
  'no-restricted-properties': [
    'error',
    ...property(CLOCK, 'Date', ['now']),
    ...property(CLOCK, 'AbortSignal', ['timeout']),
    ...property(CLOCK, 'process', ['hrtime', 'uptime']),
    ...property(CLOCK, 'globalThis', [...TIMER_GLOBALS, 'performance']),
    ...property(RANDOM, 'globalThis', ['crypto']),
    ...property(RANDOM, 'Math', ['random']),
    ...property(RANDOM, 'crypto', ['randomUUID', 'getRandomValues', ...chance.importNames]),
  ],
}

const config: OxlintConfig = {
  options: { typeAware: true },
  plugins: ['typescript', 'import', 'unicorn', 'promise', 'vitest', 'oxc'],
  categories: { correctness: 'error', suspicious: 'error' },
  ignorePatterns: ['dist', 'transport/wire/messages.js', 'transport/wire/messages.d.ts'],
  rules: {
    // The walls as they stand around whatever has no override below.
    ...imports(libp2p, database, timers, chance, sim),
    ...globals([...TIMER_GLOBALS, 'performance']),
    ...properties,

    // What the categories leave out.
    eqeqeq: 'error',
    'no-console': 'error',
    'no-var': 'error',
    'prefer-const': 'error',
    'import/no-cycle': 'error',
    'typescript/ban-ts-comment': 'error',
    'typescript/consistent-type-imports': 'error',
    'typescript/no-deprecated': 'error',
    'typescript/no-explicit-any': 'error',
    'typescript/no-misused-promises': ['error', { checksVoidReturn: false }],
    'typescript/no-non-null-assertion': 'error',
    'typescript/no-unsafe-assignment': 'error',
    'typescript/no-unsafe-call': 'error',
    'typescript/no-unsafe-member-access': 'error',
    'typescript/no-unsafe-return': 'error',
    'typescript/only-throw-error': 'error',
    'vitest/no-disabled-tests': 'error',
    'vitest/no-focused-tests': 'error',
    'vitest/valid-expect': ['error', { maxArgs: 2 }],

    // Taste we do not share. A brand (`PeerId`) is made by an assertion; a retry loop awaits in a loop.
    'typescript/no-unsafe-type-assertion': 'off',
    'typescript/no-meaningless-void-operator': 'off',
    'typescript/no-unnecessary-type-assertion': 'off',
    'typescript/no-unnecessary-type-parameters': 'off', // `json<T>(url)` says what the caller knows
    'typescript/no-useless-default-assignment': 'off',
    'typescript/require-array-sort-compare': 'off', // plain order is what canonical lists want
    'typescript/restrict-template-expressions': 'off',
    'typescript/unbound-method': 'off', // ports are records of functions: `const { setTimer } = makeClock()` is safe
    'unicorn/no-useless-spread': 'off', // the formatter keeps `...['--flag', value]` on one line
    'typescript/consistent-return': 'off', // the compiler's noImplicitReturns knows better
    'no-await-in-loop': 'off',
    'no-shadow': 'off',
    'no-unmodified-loop-condition': 'off', // a callback may end the loop
    'no-underscore-dangle': 'off',
    'import/no-named-as-default': 'off',
    'import/no-named-as-default-member': 'off',
    'import/no-unassigned-import': 'off',
    'oxc/no-async-endpoint-handlers': 'off', // fastify awaits its handlers
    'promise/always-return': 'off',
    'promise/no-multiple-resolved': 'off',
    'promise/no-promise-in-callback': 'off',
    'unicorn/consistent-function-scoping': 'off',
    'unicorn/no-immediate-mutation': 'off',
    'unicorn/require-post-message-target-origin': 'off', // worker threads have none
    'vitest/expect-expect': 'off', // contract suites assert in helpers
    'vitest/no-conditional-expect': 'off',
    'vitest/no-conditional-in-test': 'off',
    'vitest/no-standalone-expect': 'off',
    'vitest/require-mock-type-parameters': 'off',
    'vitest/require-to-throw-message': 'off',
    'vitest/valid-title': 'off',
  },
  overrides: [
    { files: ['crdt/**'], rules: imports(aboveCrdt, outsideCrdt) }, // in this order: a group's `!` ends the search
    { files: ['transport/**'], rules: imports(node, libp2p, database, timers, chance, sim) },
    {
      // libp2p takes AbortSignals and keeps time by itself: its timers never run in the simulator.
      files: ['transport/libp2p/**'],
      rules: { ...imports(node, database, chance, sim), 'no-restricted-globals': 'off' },
    },
    { files: ['node/store/level.ts'], rules: imports(libp2p, timers, chance, sim) },
    {
      files: ['node/ports/**'],
      rules: { ...imports(libp2p, database, sim), 'no-restricted-globals': 'off', 'no-restricted-properties': 'off' },
    },
    { files: ['sim/**'], rules: imports(libp2p, database, timers, chance) },
    { files: ['sim/conformance/**'], rules: imports(database, timers, chance) }, // runs the real libp2p
    {
      files: ['sim/conformance/globals.ts'], // puts others in their place
      rules: { 'no-restricted-globals': 'off', 'no-restricted-properties': 'off' },
    },
    {
      files: ['sim/run/tripwire.ts'], // takes away what the walls forbid
      rules: { 'no-restricted-globals': 'off', 'no-restricted-properties': 'off' },
    },
    {
      // Tests may look at a clock, but never wait for one: test/support/ has waits with a condition and a deadline.
      files: ['test/**'],
      rules: {
        ...imports({ ...timers, group: timers.group.filter((name) => name !== 'node:perf_hooks') }),
        ...globals(TIMER_GLOBALS),
        'no-restricted-properties': 'off',
        'typescript/no-unsafe-assignment': 'off', // expect.any() is an any
      },
    },
    { files: ['test/support/**'], rules: { 'no-restricted-imports': 'off', 'no-restricted-globals': 'off' } },
    { files: ['bench/**', '**/*.mjs'], rules: { 'no-console': 'off', 'no-restricted-globals': 'off' } },
    {
      files: ['**/*.mjs'], // belongs to no tsconfig: nothing in it has a type
      rules: {
        'typescript/no-unsafe-assignment': 'off',
        'typescript/no-unsafe-call': 'off',
        'typescript/no-unsafe-member-access': 'off',
        'typescript/no-unsafe-return': 'off',
      },
    },
  ],
}

export default config
