// The house's rules for a source file that neither compiler nor linter keeps. Small files and functions are read in one
// sitting; arrows that point one way let the simulator run the real peer; a test that sleeps is slow on a good day and
// wrong on a bad one.
//
// The import arrows are worked out here from resolved paths, with nothing shared with oxlint.config.ts: a wall that is
// misspelt there still stands here.
import { posix } from 'node:path'
import type { Fact, Source } from './syntax.ts'

const FILE_LINES_MAX = 400
const FUNCTION_LINES_MAX = 60

/** Who may import whom (DESIGN.md section 4). `root` is configuration beside package.json. */
const ARROWS: Readonly<Record<string, readonly string[]>> = {
  crdt: ['crdt'],
  transport: ['transport', 'crdt'],
  node: ['node', 'transport', 'crdt'],
  sim: ['sim', 'node', 'transport', 'crdt'],
  test: ['test', 'sim', 'node', 'transport', 'crdt', 'root'],
  bench: ['bench', 'node', 'transport', 'crdt'],
  examples: ['examples', 'sim', 'node', 'transport', 'crdt'],
  deploy: ['deploy', 'node', 'transport', 'crdt'],
  root: ['root'],
}
const PURE_PACKAGES = /^(yjs|lib0)(\/|$)/
/** Conformance runs put the real one on simulated wires. */
const LIBP2P_FOLDERS = ['transport/libp2p/', 'sim/conformance/']
const LIBP2P_PACKAGES = /^(libp2p|@libp2p\/.*|@chainsafe\/.*|@multiformats\/.*)$/
const DATABASE_PACKAGES = /^(classic-level|abstract-level)$/

export type Rule = (source: Source) => string[]

const layerOf = (path: string): string => (path.includes('/') ? (path.split('/')[0] ?? '') : 'root')
const isTest = ({ path }: Source): boolean => layerOf(path) === 'test'
const at = ({ path }: Source, { line }: Fact<unknown>, text: string): string => `${path}:${line} ${text}`

/** Suites are lists of tests inside one function; what a reader takes in at once there is a test, not the list. */
const isSuite = (path: string): boolean => /\.(test|contract)\.ts$/.test(path)

export const rules: Readonly<Record<string, Rule>> = {
  [`a file has at most ${FILE_LINES_MAX} lines`]: ({ path, lineCount }) =>
    lineCount > FILE_LINES_MAX ? [`${path} has ${lineCount}`] : [],

  [`a function has at most ${FUNCTION_LINES_MAX} lines`]: (source) =>
    source.functions
      .filter(({ value }) => value > FUNCTION_LINES_MAX)
      .filter((suite) => !isSuite(source.path) || !holdsOthers(source, suite))
      .map((found) => at(source, found, `has ${found.value} lines`)),

  'a file starts by saying what it is for': ({ path, hasHead }) => (hasHead ? [] : [path]),

  'imports point along the arrows': (source) =>
    source.imports.flatMap((found) => {
      const reason = refuseImport(source.path, found.value)
      return reason === undefined ? [] : [at(source, found, `${found.value}: ${reason}`)]
    }),

  'nothing is left to do': (source) =>
    source.comments.filter(({ value }) => LEFT_TO_DO.test(value)).map((found) => at(source, found, found.value.trim())),

  'no test is skipped or runs alone': (source) =>
    isTest(source)
      ? calls(source, /^(test|it|describe|suite)(\.\w+)*\.(skip|only|todo|fails)\b|^x(it|test|describe)$/)
      : [],

  'no test sleeps': (source) =>
    isTest(source) && !source.path.startsWith('test/support/')
      ? [
          ...calls(source, /^(globalThis\.)?(setTimeout|setInterval|setImmediate)$|^Atomics\.wait$|^sleep$/),
          ...source.imports
            .filter(({ value }) => /^(node:)?timers(\/|$)/.test(value))
            .map((found) => at(source, found, found.value)),
        ]
      : [],

  'the clock is read through its port': (source) =>
    ['crdt', 'transport', 'node', 'sim'].includes(layerOf(source.path)) && !source.path.startsWith('node/ports/')
      ? source.dates.map((found) => at(source, found, found.value))
      : [],
}

const LEFT_TO_DO = /\b(TODO|FIXME|XXX|HACK)\b/

const calls = (source: Source, pattern: RegExp): string[] =>
  source.calls.filter(({ value }) => pattern.test(value)).map((found) => at(source, found, found.value))

function holdsOthers({ functions }: Source, outer: Fact<number>): boolean {
  const end = outer.line + outer.value
  return functions.some(({ line, value }) => line > outer.line && line + value <= end)
}

/** Why `from` may not import `specifier`; undefined if it may. */
function refuseImport(from: string, specifier: string): string | undefined {
  const layer = layerOf(from)
  const allowed = ARROWS[layer]
  if (allowed === undefined) return `${layer}/ is not a layer`
  if (specifier.startsWith('.')) {
    const target = layerOf(posix.join(posix.dirname(from), specifier))
    return allowed.includes(target) ? undefined : `${layer}/ may not import ${target}/`
  }
  if (layer === 'crdt' && !PURE_PACKAGES.test(specifier)) return 'crdt/ is pure'
  if (layer === 'test') return undefined
  if (LIBP2P_PACKAGES.test(specifier) && !LIBP2P_FOLDERS.some((folder) => from.startsWith(folder)))
    return 'libp2p stays in transport/libp2p/'
  if (DATABASE_PACKAGES.test(specifier) && from !== 'node/store/level.ts')
    return 'the database stays in node/store/level.ts'
  return undefined
}
